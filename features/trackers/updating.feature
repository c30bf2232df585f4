@public @games @users
Feature: Updating game trackers
  The owner of a tracker can change its account, deactivate, activate, remove and register it again. Staff of a guild can
  register links for its members. Nobody else can change a tracker.

  @rule-5
  Rule: 5. Only the owner changes a tracker

    Scenario Outline: Another person <verb> a tracker and is refused
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben <verb> Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

      Examples:
        | verb        |
        | deactivates |
        | removes     |

    Scenario: Another person cannot change the account of a tracker
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben points Ada's "Quiet Comet" at "Lintwurm"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

    @guilds
    Scenario: A guild admin cannot remove the tracker of a member
      Given Ada has registered "Quiet Comet"
      And Ada and Cleo have logins
      And Ada is in the guild, which Cleo runs
      When Cleo removes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

    @internal
    Scenario: The bot changes a tracker for its owner
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has a login
      When the bot deactivates "Quiet Comet"
      And the bot removes "Lintwurm"
      Then Ada follows nobody but, deactivated, "Quiet Comet"

    @admin @internal @guilds
    Scenario: A bot with a key for another guild cannot remove a tracker
      Given Ada has registered "Quiet Comet"
      And Ben is in the guild
      And Ada has a login
      When a bot that has a key for this guild only removes "Quiet Comet"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

    Scenario: Trackers cannot be changed without a login
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When somebody without a login removes "Quiet Comet"
      Then it is refused with 401 "unauthenticated"
      And Ada follows "Quiet Comet"

  Rule: 5a. The account of a tracker can be changed

    @rule-5
    Scenario: The tracker stays the same
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada points "Quiet Comet" at "Lintwurm"
      Then it is the same tracker
      And Ada follows "Lintwurm"

    @rule-2
    Scenario: An account that the person follows already is refused in any spelling
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has a login
      When Ada points "Quiet Comet" at "LINTWURM"
      Then it is refused with 409 "duplicate_tracker"
      And Ada follows "Quiet Comet" and "Lintwurm"

    @rule-2
    Scenario: A link that names no account is refused
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada points "Quiet Comet" at a link to nowhere
      Then it is refused with 422 "unsupported_link"
      And Ada follows "Quiet Comet"

    @sites @rule-4
    Scenario: The new account is fetched instead of the old one
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada points "Quiet Comet" at "Lintwurm"
      And the worker has fetched everything that Ada follows
      Then the site was asked for "Lintwurm"
      And Ada reads that the tracker of "Lintwurm" is completed

    Scenario: Omitted fields stay unchanged
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada changes nothing of "Quiet Comet"
      Then it is the same tracker
      And Ada follows "Quiet Comet"

    Scenario: The owner of a tracker cannot be changed
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada changes the owner of "Quiet Comet"
      Then it is refused with 422 "invalid"

  Rule: 5b. A deactivated tracker is not fetched and does not count

    @rule-3 @trap-deactivated-counts
    Scenario: A deactivated tracker does not count towards the four
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada herself adds "Lintwurm"
      Then Ada has 1 new tracker

    @rule-3
    Scenario: A tracker cannot be activated as the fifth
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      And Ada has added "Lintwurm"
      When Ada activates "Quiet Comet"
      Then it is refused with 400 "tracker_limit_reached"

    @rule-3
    Scenario: A tracker can be activated again below the limit
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      And Ada has added "Lintwurm"
      And Ada has removed "Lintwurm"
      When Ada activates "Quiet Comet"
      Then it is the same tracker, and active

    @rule-3 @trap-limit-race
    Scenario: Activations and additions at the same moment leave four active trackers at most
      Given Ada has a login
      And Ada has registered 4 players
      And Ada has deactivated all of them
      When Ada activates all of them and adds 4 others at the same moment
      Then Ada has 4 active trackers

    @rule-1
    Scenario: A person with only deactivated trackers can register again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada herself registers "Lintwurm" and "Brisk Otter"
      Then Ada has 2 new trackers

    @rule-2
    Scenario: The account of a deactivated tracker cannot be added again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada herself adds "Quiet Comet"
      Then it is refused with 409 "duplicate_tracker"
      And the answer says "activate it instead"

    @sites @own_worker @rule-4
    Scenario: A deactivated tracker is not fetched until it is active again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      And Ada has deactivated "Quiet Comet"
      When the worker has run two days later
      Then the site was asked for "Quiet Comet" once
      When Ada activates "Quiet Comet"
      And the worker has run two days later
      Then the site was asked for "Quiet Comet" twice

    @sites @own_worker
    Scenario: An account with another follower is still fetched
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When the worker has run
      Then the site was asked for "Quiet Comet" once

  Rule: 5c. A removed tracker is gone, and its account can be registered again

    @trap-removed-link
    Scenario Outline: A removed account can be registered again: <spelling>
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has removed "Quiet Comet"
      When Ada herself registers "<spelling>"
      Then Ada has 1 new tracker
      And it is a different tracker

      Examples:
        | spelling    |
        | Quiet Comet |
        | QUIET COMET |

    @internal @trap-removed-link
    Scenario: An account that is removed and registered ten times is followed in the end
      Given Ada has a login
      When Ada registers and removes "Quiet Comet" 10 times
      And Ada adds "Quiet Comet"
      Then Ada follows "Quiet Comet"

    @rule-3
    Scenario: A removed tracker makes room for another one
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has removed "Quiet Comet"
      When Ada herself adds "Lintwurm"
      Then Ada has 1 new tracker

    Scenario Outline: A person <verb> a removed tracker and is refused
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has removed "Quiet Comet"
      When Ada <verb> "Quiet Comet"
      Then it is refused with 404 "tracker_not_found"

      Examples:
        | verb      |
        | reads     |
        | refreshes |
        | activates |
        | removes   |

    @sites @own_worker
    Scenario: A removed tracker is no longer fetched
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      And Ada has removed "Quiet Comet"
      When the worker has run two days later
      Then the site was asked for "Quiet Comet" once

    @sites
    Scenario: The history of a removed account is there when it is registered again
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      And Ada has removed "Quiet Comet"
      When Ada herself registers "Quiet Comet"
      Then "Quiet Comet" has a rating of 1043 in playlist 11
      And "Quiet Comet" has 1 snapshot

    Scenario: Other followers of the account are not affected
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ada removes "Quiet Comet"
      Then Ada follows nobody
      And Ben follows "Quiet Comet"

  @internal @guilds
  Rule: 5d. Staff of a guild register trackers for its members

    Background:
      Given Ada and Ben are in the guild, which Cleo runs

    @rule-3
    Scenario: Staff can register for a member with trackers, up to four
      Given Ada has registered 3 players
      When Cleo registers "Quiet Comet" for Ada
      Then Ada has 1 new tracker
      When Cleo registers "Lintwurm" for Ada
      Then it is refused with 400 "tracker_limit_reached"

    @rule-1 @trap-half-registered
    Scenario: All links from staff are registered, or none
      Given Ada has registered 3 players
      And Ada has a login
      When Cleo registers "Quiet Comet" and "Lintwurm" for Ada
      Then it is refused with 400 "tracker_limit_reached"
      And Ada has 3 active trackers

    @rule-5
    Scenario Outline: <who> cannot register for <member>
      When <who> registers "Quiet Comet" for <member>
      Then it is refused with 403 "forbidden"

      Examples: not an admin of the guild, or not a member of it
        | who  | member |
        | Ben  | Ada    |
        | Dora | Ada    |
        | Cleo | Dora   |
