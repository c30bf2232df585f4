@admin @games @users
Feature: Administration of game trackers
  Admins see everybody's trackers and the state of the sites, help if something is stuck, and correct what people cannot:
  a tracker that was registered for the wrong person, or a player with two accounts.

  Rule: 9. Only admins can use the admin API

    Scenario Outline: A member cannot request <what>
      Given Ada has a login
      When Ada requests <what>
      Then it is refused with 403 "forbidden"

      Examples:
        | what                       |
        | everybody's trackers       |
        | the scraping status        |
        | the scraping logs          |
        | the sources                |
        | a batch refresh            |
        | a pause of the games' site |
        | a reset of the breaker     |
        | a redrive of dead letters  |

    Scenario: A bot cannot request everybody's trackers
      When the bot requests everybody's trackers
      Then it is refused with 401 "unauthenticated"

    Scenario: The owner of a tracker cannot transfer it
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ada transfers "Quiet Comet" to Ben
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

  Rule: 9a. Admins see everybody's trackers and their runs

    @sites
    Scenario Outline: A person's trackers are filtered: <query>
      Given the site says that there is no such player when asked for "Lintwurm"
      And Ada has registered "Quiet Comet" and "Lintwurm" and "Brisk Otter" and "Mossy Kettle"
      And Ada has a login
      And the worker has run
      And Ada has deactivated "Mossy Kettle"
      And Ada has removed "Brisk Otter"
      When the admin lists Ada's trackers with "<query>"
      Then he sees <players>

      Examples:
        | query               | players                                        |
        | sort=display        | "Lintwurm" and "Mossy Kettle" and "Quiet Comet" |
        | status=failed       | "Lintwurm"                                     |
        | reason=not_found    | "Lintwurm"                                     |
        | reason=blocked      | nothing                                        |
        | active=false        | "Mossy Kettle"                                 |
        | removed=true        | "Brisk Otter"                                  |

    @sites @rule-4
    Scenario: The logs show every run of a tracker, the latest first, with its error
      Given Ada has registered "Quiet Comet"
      And the worker has run
      And the site says that there is no such player when asked for "Quiet Comet"
      When the admin refreshes "Quiet Comet" at once
      And the worker has run
      And the admin reads the scraping logs of "Quiet Comet"
      Then they show failed: not_found, completed

    @sites @own_worker @rule-4
    Scenario: The status counts trackers by status and reason
      Given the site says that there is no such player when asked for "Lintwurm"
      And the admin has read the scraping status
      And Ada has registered "Quiet Comet" and "Lintwurm"
      When the worker has run
      And the admin reads the scraping status
      Then there is 1 more completed, and 1 more failed: not_found

  Rule: 9b. Admins refresh and remove trackers

    @sites
    Scenario: An admin can refresh a tracker during its cooldown
      Given Ada has registered "Quiet Comet"
      And the worker has run
      When the admin refreshes "Quiet Comet" at once
      And the worker has run
      Then the task of "Quiet Comet" is completed and found nothing new

    @sites @own_worker @trap-queued-twice
    Scenario: A batch refresh fetches each account once and leaves out deactivated trackers
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ben has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      And Ada has deactivated "Lintwurm"
      When the admin refreshes all of them
      Then 1 account is boosted and 1 left out
      When the worker has run
      Then the site was asked for "Quiet Comet" twice

    @sites @own_worker @guilds @internal
    Scenario: An admin refreshes the failed trackers of a guild
      Given Ada is in the guild
      And the site answers 503, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And the worker has run
      When the admin refreshes the guild's failed trackers
      Then 1 account is boosted and 0 left out

    Scenario: A batch refresh without a selection is refused
      When the admin refreshes a batch without a selection
      Then it is refused with 422 "nothing_chosen"

    Scenario: A tracker that an admin removed can be registered again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When the admin removes "Quiet Comet" through the admin API
      Then Ada follows nobody
      When Ada herself registers "Quiet Comet"
      Then Ada has 1 new tracker

  Rule: 9c. Admins transfer trackers to other people

    Scenario: A transferred tracker belongs to the new owner
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada and Ben have logins
      When the admin transfers "Quiet Comet" to Ben
      Then Ada follows "Lintwurm"
      And Ben follows "Quiet Comet"

    @rule-5
    Scenario: The old owner can no longer change a transferred tracker
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      And the admin has transferred "Quiet Comet" to Ben
      When Ada deactivates "Quiet Comet"
      Then it is refused with 403 "forbidden"

    @rule-3
    Scenario: A transfer of a fifth active tracker is refused
      Given Ada has registered "Quiet Comet"
      And Ben has registered 4 players
      And Ada and Ben have logins
      When the admin transfers "Quiet Comet" to Ben
      Then it is refused with 400 "tracker_limit_reached"
      And Ada follows "Quiet Comet"

    @rule-2
    Scenario: A transfer of an account that the new owner follows is refused
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada and Ben have logins
      When the admin transfers Ada's "Quiet Comet" to Ben
      Then it is refused with 409 "duplicate_tracker"

    Scenario: A transfer to the current owner is refused
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When the admin transfers "Quiet Comet" to Ada
      Then it is refused with 409 "own_tracker"

  Rule: 9d. Admins merge two accounts of one player

    Scenario: Followers of either account follow the destination
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben have logins
      When the admin merges "Quiet Comet" into "Lintwurm"
      Then Ada follows "Lintwurm"
      And Ben follows "Lintwurm"

    @rule-2
    Scenario: A person who followed both accounts follows the destination once
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has a login
      When the admin merges "Quiet Comet" into "Lintwurm"
      Then Ada follows "Lintwurm"

    @sites @own_worker
    Scenario: The merged account is no longer fetched
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And the worker has run
      And the admin has merged "Quiet Comet" into "Lintwurm"
      When the worker has run two days later
      Then the site was asked for "Quiet Comet" once
      And the site was asked for "Lintwurm" twice

    @sites
    Scenario: The history of the merged account is kept
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 61
      And Ada has registered "Quiet Comet"
      And the worker has run
      And the site says that the profile is private when asked for "Lintwurm"
      And Ben has registered "Lintwurm"
      When the admin merges "Quiet Comet" into "Lintwurm"
      Then "Lintwurm" has a rating of 1043 in playlist 61 in season "34"

    Scenario: An account cannot be merged into itself
      Given Ada has registered "Quiet Comet"
      When the admin merges "Quiet Comet" into "Quiet Comet"
      Then it is refused with 422 "cannot_merge"

  @own_service @sites @own_worker
  Rule: 9e. Admins see the status of a source, pause and resume it

    Scenario: A paused source is not fetched, and requested runs wait
      Given the admin has paused the games' site, because "they asked us to"
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" is pending
      And the site was not asked for "Quiet Comet"
      And the source is paused, because "they asked us to"
      When the admin resumes the games' site
      And the worker has run
      Then the tracker of "Quiet Comet" is completed

    Scenario: A block opens the breaker, and an admin can close it
      Given a firewall shows its page with status 403, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has run
      Then the source's breaker is open
      And its last failure is blocked
      When the admin closes the breaker
      And Ben registers "Lintwurm"
      And the worker has run
      Then the tracker of "Lintwurm" is completed
      And the source's breaker is closed

    Scenario: A source shows the runs of the last hour
      Given the admin has read the status of the games' site
      And Ada has registered "Quiet Comet" and "Lintwurm"
      When the worker has run
      Then the source shows 2 more runs in the last hour

    Scenario Outline: An unknown source cannot be <what>
      When the admin has the source "chess" <what>
      Then it is refused with 404 "unknown_source"

      Examples:
        | what           |
        | paused         |
        | resumed        |
        | redriven       |
        | breaker-closed |
