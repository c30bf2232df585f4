@admin @games @users
Feature: Administration of game trackers
  Admins see everybody's trackers and how the sites stand, help where something hangs, and put in order what people
  cannot: a tracker registered for the wrong person, one player under two names.

  Rule: 9. Admins only

    Scenario Outline: No member asks for <what>
      Given Ada has a login
      When Ada asks for <what>
      Then it is refused with 403 "forbidden"

      Examples:
        | what                       |
        | everybody's trackers       |
        | the scraping status        |
        | the scraping logs          |
        | the sources                |
        | a batch to be refreshed    |
        | the games' site paused     |
        | a breaker closed           |
        | what is dead to be redriven |

    Scenario: No bot does
      When the bot asks for everybody's trackers
      Then it is refused with 401 "unauthenticated"

    Scenario: Not even whose tracker it is
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ada transfers "Quiet Comet" to Ben
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

  Rule: 9a. Admins see everybody's trackers, and what came of looking at them

    @sites
    Scenario Outline: Somebody's trackers, filtered: <query>
      Given the site says that there is no such player when asked for "Lintwurm"
      And Ada has registered "Quiet Comet" and "Lintwurm" and "Brisk Otter" and "Mossy Kettle"
      And Ada has a login
      And the worker has looked
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
    Scenario: The logs tell every look at a tracker, the latest first, and why it failed
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      And the site says that there is no such player when asked for "Quiet Comet"
      When the admin refreshes "Quiet Comet" at once
      And the worker has looked
      And the admin reads the scraping logs of "Quiet Comet"
      Then they tell failed: not_found, completed

    @sites @own_worker @rule-4
    Scenario: The counts tell how many trackers stand how, and why
      Given the site says that there is no such player when asked for "Lintwurm"
      And the admin has read the scraping status
      And Ada has registered "Quiet Comet" and "Lintwurm"
      When the worker has looked
      And the admin reads the scraping status
      Then there is 1 more completed, and 1 more failed: not_found

  Rule: 9b. Admins have trackers looked at, and remove them

    @sites
    Scenario: At once, whatever the cooldown
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      When the admin refreshes "Quiet Comet" at once
      And the worker has looked
      Then the task of "Quiet Comet" is completed and found nothing new

    @sites @own_worker @trap-queued-twice
    Scenario: Many, each account once; deactivated ones are left out
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ben has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      And Ada has deactivated "Lintwurm"
      When the admin refreshes all of them
      Then 1 is put ahead and 1 left out
      When the worker has looked
      Then the site was asked for "Quiet Comet" twice

    @sites @own_worker @guilds @internal
    Scenario: Those of a guild that failed
      Given Ada is in the guild
      And the site answers 503, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And the worker has looked
      When the admin refreshes the guild's that failed
      Then 1 is put ahead and 0 left out

    Scenario: A batch says which
      When the admin refreshes nothing in particular
      Then it is refused with 422 "nothing_chosen"

    Scenario: Removed by an admin, a tracker can be registered again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When the admin removes "Quiet Comet" for good reasons
      Then Ada follows nobody
      When Ada herself registers "Quiet Comet"
      Then Ada has 1 new tracker

  Rule: 9c. A tracker can be given to whom it belongs

    Scenario: It is theirs from then on
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada and Ben have logins
      When the admin transfers "Quiet Comet" to Ben
      Then Ada follows "Lintwurm"
      And Ben follows "Quiet Comet"

    @rule-5
    Scenario: Who had it has nothing to do with it any more
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      And the admin has transferred "Quiet Comet" to Ben
      When Ada deactivates "Quiet Comet"
      Then it is refused with 403 "forbidden"

    @rule-3
    Scenario: Nobody gets a fifth
      Given Ada has registered "Quiet Comet"
      And Ben has registered 4 players
      And Ada and Ben have logins
      When the admin transfers "Quiet Comet" to Ben
      Then it is refused with 400 "tracker_limit_reached"
      And Ada follows "Quiet Comet"

    @rule-2
    Scenario: Nobody gets an account twice
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada and Ben have logins
      When the admin transfers Ada's "Quiet Comet" to Ben
      Then it is refused with 409 "duplicate_tracker"

    Scenario: Nobody is given what they have
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When the admin transfers "Quiet Comet" to Ada
      Then it is refused with 409 "own_tracker"

  Rule: 9d. One player under two names is made one

    Scenario: Who followed either follows the one that stays
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben have logins
      When the admin merges "Quiet Comet" into "Lintwurm"
      Then Ada follows "Lintwurm"
      And Ben follows "Lintwurm"

    @rule-2
    Scenario: Who followed both follows it once
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has a login
      When the admin merges "Quiet Comet" into "Lintwurm"
      Then Ada follows "Lintwurm"

    @sites @own_worker
    Scenario: The name that went is not looked at any more
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And the worker has looked
      And the admin has merged "Quiet Comet" into "Lintwurm"
      When the worker has looked two days later
      Then the site was asked for "Quiet Comet" once
      And the site was asked for "Lintwurm" twice

    @sites
    Scenario: What was seen of it stays
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 61
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And the site says that the profile is private when asked for "Lintwurm"
      And Ben has registered "Lintwurm"
      When the admin merges "Quiet Comet" into "Lintwurm"
      Then "Lintwurm" has a rating of 1043 in playlist 61 in season "34"

    Scenario: An account is not merged into itself
      Given Ada has registered "Quiet Comet"
      When the admin merges "Quiet Comet" into "Quiet Comet"
      Then it is refused with 422 "cannot_merge"

  @own_service @sites @own_worker
  Rule: 9e. Admins see how a site stands, and stop and start looking at it

    Scenario: A source that is paused is not looked at; what is asked for waits
      Given the admin has paused the games' site, because "they asked us to"
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" is pending
      And the site was not asked for "Quiet Comet"
      And the source is paused, because "they asked us to"
      When the admin resumes the games' site
      And the worker has looked
      Then the tracker of "Quiet Comet" is completed

    Scenario: A block opens the breaker; an admin who knows better closes it
      Given a firewall shows its page with status 403, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has looked
      Then the source's breaker is open
      And its last failure is blocked
      When the admin closes the breaker
      And Ben registers "Lintwurm"
      And the worker has looked
      Then the tracker of "Lintwurm" is completed
      And the source's breaker is closed

    Scenario: Its budget tells what was asked of it
      Given the admin has looked at the games' site
      And Ada has registered "Quiet Comet" and "Lintwurm"
      When the worker has looked
      Then the source tells of 2 runs more in the last hour

    Scenario Outline: A source that there is not is not <what>
      When the admin has the source "chess" <what>
      Then it is refused with 404 "unknown_source"

      Examples:
        | what           |
        | paused         |
        | resumed        |
        | redriven       |
        | breaker-closed |
