@public @games @users
Feature: Updating game trackers
  A tracker is its owner's: they point it at another account, let it rest, wake it, remove it and register it again. Staff
  of a guild may hand in links for its members. Nobody else changes anything.

  @rule-5
  Rule: 5. Only its owner changes a tracker

    Scenario Outline: Somebody else <verb> nothing
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben <verb> Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

      Examples:
        | verb        |
        | deactivates |
        | removes     |

    Scenario: Somebody else does not point it at another account
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben points Ada's "Quiet Comet" at "Lintwurm"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

    @guilds
    Scenario: Who runs a guild reads what its members follow, and changes none of it
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
    Scenario: A bot of other guilds changes nothing
      Given Ada has registered "Quiet Comet"
      And Ben is in the guild
      And Ada has a login
      When a bot that has a key for this guild only removes "Quiet Comet"
      Then it is refused with 403 "forbidden"
      And Ada follows "Quiet Comet"

    Scenario: Nobody changes anything without a login
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When somebody without a login removes "Quiet Comet"
      Then it is refused with 401 "unauthenticated"
      And Ada follows "Quiet Comet"

  Rule: 5a. A tracker can be pointed at another account

    @rule-5
    Scenario: It stays the same tracker
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada points "Quiet Comet" at "Lintwurm"
      Then it is the same tracker
      And Ada follows "Lintwurm"

    @rule-2
    Scenario: At no account that one follows already, however that is spelt
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has a login
      When Ada points "Quiet Comet" at "LINTWURM"
      Then it is refused with 409 "duplicate_tracker"
      And Ada follows "Quiet Comet" and "Lintwurm"

    @rule-2
    Scenario: At no link that names no account
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada points "Quiet Comet" at a link to nowhere
      Then it is refused with 422 "unsupported_link"
      And Ada follows "Quiet Comet"

    @sites @rule-4
    Scenario: The other account is looked at, the old one is not any more
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada points "Quiet Comet" at "Lintwurm"
      And the worker has looked at all that Ada follows
      Then the site was asked for "Lintwurm"
      And Ada reads that the tracker of "Lintwurm" is completed

    Scenario: What is left out stays as it is
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada changes nothing of "Quiet Comet"
      Then it is the same tracker
      And Ada follows "Quiet Comet"

    Scenario: Who owns a tracker cannot be changed
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada changes the owner of "Quiet Comet"
      Then it is refused with 422 "invalid"

  Rule: 5b. A deactivated tracker rests, and does not count

    @rule-3 @trap-deactivated-counts
    Scenario: It does not count towards four
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada herself adds "Lintwurm"
      Then Ada has 1 new tracker

    @rule-3
    Scenario: It cannot be activated as a fifth one
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      And Ada has added "Lintwurm"
      When Ada activates "Quiet Comet"
      Then it is refused with 400 "tracker_limit_reached"

    @rule-3
    Scenario: It can be activated again once there is room
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      And Ada has added "Lintwurm"
      And Ada has removed "Lintwurm"
      When Ada activates "Quiet Comet"
      Then it is the same tracker, and active

    @rule-3 @trap-limit-race
    Scenario: Activated and added at the same moment, no more than four are active
      Given Ada has a login
      And Ada has registered 4 players
      And Ada has deactivated all of them
      When Ada activates all of them and adds 4 others at the same moment
      Then Ada has 4 active trackers

    @rule-1
    Scenario: Who has deactivated ones only may register anew
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada herself registers "Lintwurm" and "Brisk Otter"
      Then Ada has 2 new trackers

    @rule-2
    Scenario: Its account is not added a second time, but activated
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada herself adds "Quiet Comet"
      Then it is refused with 409 "duplicate_tracker"
      And the answer says "activate it again"

    @sites @own_worker @rule-4
    Scenario: It is not looked at until it is active again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      And Ada has deactivated "Quiet Comet"
      When the worker has looked two days later
      Then the site was asked for "Quiet Comet" once
      When Ada activates "Quiet Comet"
      And the worker has looked two days later
      Then the site was asked for "Quiet Comet" twice

    @sites @own_worker
    Scenario: What somebody else follows is looked at nevertheless
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When the worker has looked
      Then the site was asked for "Quiet Comet" once

  Rule: 5c. A removed tracker is gone, and its account free to be registered again

    @trap-removed-link
    Scenario Outline: It can be registered again: <spelling>
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has removed "Quiet Comet"
      When Ada herself registers "<spelling>"
      Then Ada has 1 new tracker
      And it is another tracker than before

      Examples:
        | spelling    |
        | Quiet Comet |
        | QUIET COMET |

    @internal @trap-removed-link
    Scenario: Removed and registered ten times over, it is followed in the end
      Given Ada has a login
      When Ada registers and removes "Quiet Comet" 10 times
      And Ada adds "Quiet Comet"
      Then Ada follows "Quiet Comet"

    @rule-3
    Scenario: It makes room for another
      Given Ada has registered 3 players
      And Ada has added "Quiet Comet"
      And Ada has a login
      And Ada has removed "Quiet Comet"
      When Ada herself adds "Lintwurm"
      Then Ada has 1 new tracker

    Scenario Outline: Nobody <verb> what was removed
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
    Scenario: It is not looked at any more
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      And Ada has removed "Quiet Comet"
      When the worker has looked two days later
      Then the site was asked for "Quiet Comet" once

    @sites
    Scenario: What was seen of its account is there when it is registered again
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      And Ada has removed "Quiet Comet"
      When Ada herself registers "Quiet Comet"
      Then "Quiet Comet" has a rating of 1043 in playlist 11
      And "Quiet Comet" has 1 snapshot

    Scenario: Who else follows its account goes on
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ada removes "Quiet Comet"
      Then Ada follows nobody
      And Ben follows "Quiet Comet"

  @internal @guilds
  Rule: 5d. Staff of a guild registers for its members

    Background:
      Given Ada and Ben are in the guild, which Cleo runs

    @rule-3
    Scenario: Also for who has some already, up to four
      Given Ada has registered 3 players
      When Cleo hands in "Quiet Comet" for Ada
      Then Ada has 1 new tracker
      When Cleo hands in "Lintwurm" for Ada
      Then it is refused with 400 "tracker_limit_reached"

    @rule-1 @trap-half-registered
    Scenario: All of what is handed in, or none
      Given Ada has registered 3 players
      And Ada has a login
      When Cleo hands in "Quiet Comet" and "Lintwurm" for Ada
      Then it is refused with 400 "tracker_limit_reached"
      And Ada has 3 active trackers

    @rule-5
    Scenario Outline: <who> may not hand in for <whom>
      When <who> hands in "Quiet Comet" for <whom>
      Then it is refused with 403 "forbidden"

      Examples: who does not run the guild, or for who is not in it
        | who  | whom |
        | Ben  | Ada  |
        | Dora | Ada  |
        | Cleo | Dora |
