@public @games @users
Feature: Reading game trackers
  People see the trackers that they follow, with their status. Admins of a guild also see those of its members, and app
  admins and bots see those of the people that they may act for. Lists are filtered, sorted and paged.

  Rule: People read their own trackers

    @sites @rule-4
    Scenario: A list shows the status of each tracker, the oldest first
      Given the site says that there is no such player when asked for "Lintwurm"
      And Ada has registered "Quiet Comet"
      And Ada has added "Lintwurm"
      And Ada has a login
      And the worker has run
      When Ada reads her trackers
      Then she sees "Quiet Comet" as completed and "Lintwurm" as failed: not_found

    Scenario: A person without trackers sees nothing
      Given Ada has a login
      When Ada reads her trackers
      Then she sees nothing

    @sites
    Scenario: A tracker shows its account, its link and its next fetch
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada reads "Quiet Comet"
      Then it shows the account "Quiet Comet" on epic, its link and its next fetch

    @sites @rule-4
    Scenario: The status of a tracker can be read alone
      Given the site says that the profile is private when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada reads the status of "Quiet Comet"
      Then it shows failed: private, with its error and its last attempt

    @sites
    Scenario: The detail of a tracker shows its seasons with their ratings
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada reads the detail of "Quiet Comet"
      Then its current season shows 1043 in playlist 11
      And the detail shows the same seasons

    @sites
    Scenario: Snapshots show the changes page by page, the newest first
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      And "Quiet Comet" wins 12 points in playlist 11
      And Ada has requested a refresh of "Quiet Comet"
      And the worker has run
      When Ada reads the snapshots of "Quiet Comet" one at a time
      Then playlist 11 shows 1055, 1043

    @sites
    Scenario Outline: Snapshots can be filtered by season or time: <which>
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada reads the snapshots of "Quiet Comet" <which>
      Then the number of snapshots is <count>

      Examples:
        | which                  | count |
        | of the current season  | 1     |
        | of season "1"          | 0     |
        | since an hour ago      | 1     |
        | until an hour ago      | 0     |

    Scenario: Snapshots before an unknown snapshot are refused
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada reads the snapshots of "Quiet Comet" before an unknown snapshot
      Then it is refused with 404 "snapshot_not_found"

  Rule: People cannot read the trackers of others

    Scenario Outline: Another person's tracker cannot be read: <what>
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

    Scenario: A list contains only a person's own trackers
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada has a login
      When Ada lists with ""
      Then she sees "Quiet Comet"

    @guilds
    Scenario: Members of a guild do not see each other's trackers
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben have logins
      And Ada and Ben are in the guild, which Cleo runs
      When Ben lists with "guild_id=GUILD"
      Then he sees "Lintwurm"

    @guilds
    Scenario: A guild admin sees the trackers of members, and of nobody else
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Dora has registered "Brisk Otter"
      And Cleo has a login
      And Ada and Ben are in the guild, which Cleo runs
      When Cleo lists with "guild_id=GUILD&sort=display"
      Then she sees "Lintwurm" and "Quiet Comet"
      When Cleo asks for the detail of Ada's "Quiet Comet"
      Then it is shown

    @guilds
    Scenario: A guild is unknown to people who are not members
      Given Ada has registered "Quiet Comet"
      And Ben has a login
      And Ada is in the guild
      When Ben lists with "guild_id=GUILD"
      Then it is refused with 404 "guild_not_found"

    @admin @guilds
    Scenario: An admin sees everybody's trackers
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben are in the guild
      When the admin lists with "guild_id=GUILD&sort=-display"
      Then he sees "Quiet Comet" and "Lintwurm"

    @internal @guilds
    Scenario: A bot sees the trackers of everybody that it may act for
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada and Ben are in the guild
      When the bot lists with "guild_id=GUILD&sort=display"
      Then it sees "Lintwurm" and "Quiet Comet"

    @internal @admin @guilds
    Scenario: A bot with a key for a guild sees only the trackers of its members
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Lintwurm"
      And Ada is in the guild
      When a bot that has a key for this guild only lists with ""
      Then it sees "Quiet Comet"
      When a bot that has a key for this guild only reads "Lintwurm"
      Then it is refused with 403 "forbidden"

    Scenario: Trackers cannot be read without a login
      When somebody without a login lists trackers
      Then it is refused with 401 "unauthenticated"

  Rule: Lists are filtered, sorted and paged

    @sites
    Scenario Outline: Ada's list is filtered, sorted and paged: <query>
      Given the site says that there is no such player when asked for "Lintwurm"
      And Ada has registered "Quiet Comet" and "Lintwurm"
      And Ada has added the link "https://rocketleague.tracker.network/rocket-league/profile/psn/Brisk%20Otter"
      And Ada has a login
      And the worker has run
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

    Scenario: A page shows the total number of trackers
      Given Ada has registered 3 players
      And Ada has a login
      When Ada lists with "per_page=2&page=2"
      Then 1 of 3 is shown

    Scenario Outline: An invalid query is refused: <query>
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
