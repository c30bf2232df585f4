@public @games @users
Feature: Reading game trackers
  Everybody sees what they follow and how it stands; who runs a guild also sees what its members follow, admins and bots
  what they may speak for. Lists are filtered, put in order and read page by page.

  Rule: One reads one's own trackers

    @sites @rule-4
    Scenario: How each stands, the oldest first
      Given the site says that there is no such player when asked for "Lintwurm"
      And Ada has registered "Quiet Comet"
      And Ada has added "Lintwurm"
      And Ada has a login
      And the worker has looked
      When Ada reads her trackers
      Then she sees "Quiet Comet" as completed and "Lintwurm" as failed: not_found

    Scenario: Who follows nobody sees nothing
      Given Ada has a login
      When Ada reads her trackers
      Then she sees nothing

    @sites
    Scenario: A tracker tells its account, its link and when it is next looked at
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada reads "Quiet Comet"
      Then it tells the account "Quiet Comet" on epic, its link, and when the next look is

    @sites @rule-4
    Scenario: The status alone
      Given the site says that the profile is private when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada reads the status of "Quiet Comet"
      Then it says failed: private, why, and when it was last tried

    @sites
    Scenario: With its seasons, and what was reached in them
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada reads the detail of "Quiet Comet"
      Then its current season shows 1043 in playlist 11
      And the detail and the seasons are told alike

    @sites
    Scenario: Snapshots tell what moved, the newest first, page by page
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      And "Quiet Comet" wins 12 points in playlist 11
      And Ada has asked for a fresh look at "Quiet Comet"
      And the worker has looked
      When Ada reads the snapshots of "Quiet Comet" one at a time
      Then playlist 11 shows 1055, 1043

    @sites
    Scenario Outline: Snapshots of a season, or of a time: <which>
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada reads the snapshots of "Quiet Comet" <which>
      Then there are <count>

      Examples:
        | which                  | count |
        | of the current season  | 1     |
        | of season "1"          | 0     |
        | since an hour ago      | 1     |
        | until an hour ago      | 0     |

    Scenario: Snapshots after one that there is not are refused
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada reads the snapshots of "Quiet Comet" before one that there is not
      Then it is refused with 404 "snapshot_not_found"

  Rule: Nobody reads what is not theirs

    Scenario Outline: Somebody else's tracker is kept from one: <what>
      Given Ada has registered "Quiet Comet"
      And Ben has a login
      When Ben asks for <what> of Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

      Examples:
        | what           |
        | all            |
        | the detail     |
        | the status     |
        | the seasons    |
        | the snapshots  |
        | the history    |

    Scenario: Lists leave out what is not one's own
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada has a login
      When Ada lists with ""
      Then she sees "Quiet Comet"

    @guilds
    Scenario: Members of a guild do not see each other's
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben have logins
      And Ada and Ben are in the guild, which Cleo runs
      When Ben lists with "guild_id=GUILD"
      Then he sees "Lintwurm"

    @guilds
    Scenario: Who runs the guild sees its members', and nobody's else
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Dora has registered "Brisk Otter"
      And Cleo has a login
      And Ada and Ben are in the guild, which Cleo runs
      When Cleo lists with "guild_id=GUILD&sort=display"
      Then she sees "Lintwurm" and "Quiet Comet"
      When Cleo asks for the detail of Ada's "Quiet Comet"
      Then it is there

    @guilds
    Scenario: A guild that one is not in is none
      Given Ada has registered "Quiet Comet"
      And Ben has a login
      And Ada is in the guild
      When Ben lists with "guild_id=GUILD"
      Then it is refused with 404 "guild_not_found"

    @admin @guilds
    Scenario: An admin sees everybody's
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben are in the guild
      When the admin lists with "guild_id=GUILD&sort=-display"
      Then he sees "Quiet Comet" and "Lintwurm"

    @internal @guilds
    Scenario: A bot sees everybody's that it speaks for
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben are in the guild
      When the bot lists with "guild_id=GUILD&sort=display"
      Then it sees "Lintwurm" and "Quiet Comet"

    @internal @admin @guilds
    Scenario: A bot with a key for a guild sees its members' only
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada is in the guild
      When a bot that has a key for this guild only lists with ""
      Then it sees "Quiet Comet"
      When a bot that has a key for this guild only reads "Lintwurm"
      Then it is refused with 403 "forbidden"

    Scenario: Nobody reads anything without a login
      When somebody without a login lists
      Then it is refused with 401 "unauthenticated"

  Rule: Lists are filtered, put in order, and read page by page

    @sites
    Scenario Outline: Ada's list: <query>
      Given the site says that there is no such player when asked for "Lintwurm"
      And Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has added the link "https://rocketleague.tracker.network/rocket-league/profile/psn/Brisk%20Otter"
      And Ada has a login
      And the worker has looked
      And Ada has deactivated "Quiet Comet"
      When Ada lists with "<query>"
      Then she sees <players>

      Examples:
        | query                              | players                                         |
        | sort=display                       | "Brisk Otter" and "Lintwurm" and "Quiet Comet"  |
        | sort=-display                      | "Quiet Comet" and "Lintwurm" and "Brisk Otter"  |
        | platform=psn                       | "Brisk Otter"                                   |
        | platform=steam                     | nothing                                         |
        | status=failed                      | "Lintwurm"                                      |
        | status=completed&active=true       | "Brisk Otter"                                   |
        | active=false                       | "Quiet Comet"                                   |
        | sort=display&per_page=2            | "Brisk Otter" and "Lintwurm"                    |
        | sort=display&per_page=2&page=2     | "Quiet Comet"                                   |
        | sort=display&per_page=2&page=3     | nothing                                         |

    Scenario: A page tells how many there are in all
      Given Ada has registered 3 players
      And Ada has a login
      When Ada lists with "per_page=2&page=2"
      Then 1 of 3 is shown

    Scenario Outline: What cannot be asked for is refused: <query>
      Given Ada has a login
      When Ada lists with "<query>"
      Then it is refused with 422 "invalid"

      Examples:
        | query           |
        | status=sleeping |
        | sort=colour     |
        | page=0          |
        | per_page=100000 |
        | active=perhaps  |
        | guild_id=ada    |
