@internal @games
Feature: Registration of game trackers
  A person pastes links to their game accounts into a community's bot, and the bot registers them. The service shows
  which accounts it will follow, or what to paste instead.

  @rule-1
  Rule: 1. A person registers one to four trackers, all of them or none

    Scenario Outline: A first registration creates a tracker for every link
      When Ada registers <number> players
      Then Ada has <number> new trackers
      And every new tracker is waiting for its first run and has a task

      Examples:
        | number |
        | 1      |
        | 2      |
        | 4      |

    Scenario: A registration without any link is refused
      When Ada registers 0 players
      Then it is refused with 422 "no_links"

    Scenario: Five links are refused, and no tracker is created
      When Ada registers 5 players
      Then it is refused with 400 "tracker_limit_reached"
      And Ada can still register her first trackers

    Scenario: A person with trackers cannot register again
      Given Ada has registered "Quiet Comet"
      When Ada registers "Lintwurm"
      Then it is refused with 409 "already_registered"

    Scenario: More trackers are added one at a time
      Given Ada has registered "Quiet Comet"
      When Ada adds "Lintwurm"
      Then Ada has 1 new tracker
      And the tracker follows "Lintwurm" on epic

    Scenario: A first tracker can also be added
      When Ada adds "Quiet Comet"
      Then Ada has 1 new tracker

    @trap-half-registered
    Scenario: A bad link among good links refuses them all and is named
      When Ada registers the links
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet/overview |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm               |
        | https://rocketleague.tracker.network/rocket-league/profile/stadia/Brisk%20Otter        |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Mossy%20Kettle         |
      Then it is refused with 422 "unsupported_platform"
      And the answer names link 2, counted from 0
      And Ada can still register her first trackers

    Scenario: A refused account can be registered once the links are right
      Given Ada's registration of "Quiet Comet" and a link to nowhere was refused
      When Ada registers "Quiet Comet"
      Then Ada has 1 new tracker

    Scenario: Twenty registrations of a person at the same moment create one
      When Ada registers two players 20 times at the same moment
      Then 1 of the answers is 201
      And the other 19 are 409 "already_registered"

    Scenario: The same links sent twice by an impatient bot create one registration
      When Ada registers "Quiet Comet" and "Lintwurm" 2 times at the same moment
      Then 1 of the answers is 201
      And the other 1 are 409 "already_registered"

    Scenario: Two people can follow the same account
      Given Ada has registered "Quiet Comet"
      When Ben registers "Quiet Comet"
      Then Ben has 1 new tracker
      And Ada and Ben have different trackers

    Scenario: Two people who register the same accounts in opposite order at the same moment both succeed
      When Ada and Ben register the same four players in opposite order at the same moment
      Then 2 of the answers are 201

    Scenario Outline: A registration without a valid key is refused
      Given the bot sends <key>
      When Ada registers "Quiet Comet"
      Then it is refused with 401 "unauthenticated"

      Examples:
        | key                    |
        | no key                 |
        | a made-up key          |

    Scenario Outline: An invalid Discord id is refused
      When somebody registers with the id "<id>"
      Then it is refused with 422 "invalid"

      Examples:
        | id                    |
        |                       |
        | ada                   |
        | 1234                  |
        | 123456789012345678901 |
        | -28147497671065600    |

  @rule-2
  Rule: 2. A link names one account of a supported platform, and a person follows an account only once

    Scenario Outline: Links are accepted as people paste them
      When Ada adds the link "<link>"
      Then Ada has 1 new tracker
      And the tracker follows "<player>" on <platform>
      And the tracker has the link as it was pasted

      Examples: hosts, sub-pages and queries
        | link                                                                                        | player       | platform |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet/overview      | Quiet Comet  | epic     |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm                    | Lintwurm     | epic     |
        | http://rocketleague.tracker.network/rocket-league/profile/psn/Lintwurm/overview             | Lintwurm     | psn      |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm/mmr?playlist=28    | Lintwurm     | epic     |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm?utm_source=discord | Lintwurm     | epic     |
        | https://tracker.gg/rocket-league/profile/switch/Brisk%20Otter/overview                      | Brisk Otter  | switch   |
        | https://rocketleague.tracker.gg/rocket-league/profile/xbl/Brisk%20Otter                     | Brisk Otter  | xbl      |
        | rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm                            | Lintwurm     | epic     |

      Examples: platforms of old links
        | link                                                              | player      | platform |
        | https://rocketleague.tracker.network/profile/ps/Brisk%20Otter     | Brisk Otter | psn      |
        | https://rocketleague.tracker.network/profile/xbox/Brisk%20Otter   | Brisk Otter | xbl      |
        | https://rocketleague.tracker.network/profile/steam/Tide_Runner    | Tide_Runner | steam    |

      Examples: names in every spelling
        | link                                                                                        | player            | platform |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet Comet/overview        | Quiet Comet       | epic     |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet%20/overview   | Quiet Comet       | epic     |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Gr%C3%BCner%20Blitz         | Grüner Blitz      | epic     |
        | https://rocketleague.tracker.network/rocket-league/profile/psn/Grüner%20Blitz/overview      | Grüner Blitz      | psn      |
        | https://rocketleague.tracker.network/rocket-league/profile/steam/76561190000000001/overview | 76561190000000001 | steam    |

      Examples: words around the link
        | link                                                                                              | player   | platform |
        | this is me: https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm/overview, hi | Lintwurm | epic     |
        | <https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm/overview>               | Lintwurm | epic     |

    Scenario Outline: A link that names no account is refused with the problem
      When Ada adds the link "<link>"
      Then it is refused with 422 "<code>"
      And the answer says what to paste instead

      Examples:
        | link                                                                                          | code                 |
        | my name is Lintwurm                                                                           | unsupported_link     |
        | https://example.org/rocket-league/profile/epic/Lintwurm/overview                              | unsupported_link     |
        | https://rocketleague.tracker.network.example.org/rocket-league/profile/epic/Lintwurm          | unsupported_link     |
        | https://rocketleague.tracker.network@example.org/rocket-league/profile/epic/Lintwurm          | unsupported_link     |
        | https://example.org/?to=https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm | unsupported_link  |
        | ftp://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm                        | unsupported_link     |
        | https://rocketleague.tracker.network/rocket-league/leaderboards/playlist/all/13               | unsupported_link     |
        | https://tracker.gg/valorant/profile/riot/Lintwurm%23EUW/overview                              | unsupported_game     |
        | https://tracker.gg/chess/profile/epic/Lintwurm                                                | unsupported_game     |
        | https://rocketleague.tracker.network/rocket-league/profile/stadia/Lintwurm                    | unsupported_platform |
        | https://rocketleague.tracker.network/rocket-league/profile                                    | missing_identifier   |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/%20/overview                  | missing_identifier   |
        | https://rocketleague.tracker.network/rocket-league/profile/steam/Quiet%20Comet/overview       | invalid_identifier   |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Gr%FCner%20Blitz              | invalid_identifier   |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/..                            | invalid_identifier   |

    Scenario: Two accounts in one field are refused as ambiguous
      When Ada adds the link "https://tracker.gg/rocket-league/profile/epic/Lintwurm https://tracker.gg/rocket-league/profile/epic/Brisk%20Otter"
      Then it is refused with 422 "ambiguous_link"

    Scenario: The same account twice in a field counts as one account
      When Ada adds the link "https://tracker.gg/rocket-league/profile/epic/Lintwurm https://tracker.gg/rocket-league/profile/epic/lintwurm/overview"
      Then Ada has 1 new tracker

    Scenario: A very long link is refused
      When Ada adds a link that is 5000 characters long
      Then it is refused with 422 "link_too_long"

    Scenario Outline: A followed account is recognised in other spellings
      Given Ada has added the link "https://rocketleague.tracker.network/rocket-league/profile/<first>"
      When Ada adds the link "<second>"
      Then it is refused with 409 "duplicate_tracker"

      Examples:
        | first                     | second                                                                                    |
        | epic/Lintwurm/overview    | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm/overview         |
        | epic/Lintwurm/overview    | https://rocketleague.tracker.network/rocket-league/profile/epic/LINTWURM                  |
        | epic/Lintwurm             | https://tracker.gg/rocket-league/profile/epic/lintwurm/overview?utm_source=share          |
        | epic/Quiet%20Comet        | https://rocketleague.tracker.network/rocket-league/profile/epic/quiet comet%20/overview   |
        | epic/Gr%C3%BCner%20Blitz  | https://rocketleague.tracker.network/rocket-league/profile/epic/Gru%CC%88ner%20Blitz      |
        | xbl/Brisk%20Otter         | https://rocketleague.tracker.network/profile/xbox/Brisk%20Otter                           |
        | psn/Brisk%20Otter         | https://rocketleague.tracker.network/profile/ps/brisk%20otter                             |

    @trap-half-registered
    Scenario: The same account twice in a registration refuses all links
      When Ada registers the links
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet/overview |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm               |
        | https://tracker.gg/rocket-league/profile/epic/QUIET%20COMET                            |
      Then it is refused with 409 "duplicate_tracker"
      And the answer names link 2, counted from 0
      And Ada can still register her first trackers

    Scenario: The same name on another platform is another account
      Given Ada has added the link "https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm"
      When Ada adds the link "https://rocketleague.tracker.network/rocket-league/profile/psn/Lintwurm"
      Then Ada has 1 new tracker

    Scenario: An account added twenty times at the same moment is followed once
      When Ada adds "Lintwurm" 20 times at the same moment
      Then 1 of the answers is 201
      And the other 19 are 409 "duplicate_tracker"

    Scenario: A link can be parsed without being registered
      When the bot parses "https://tracker.gg/rocket-league/profile/epic/quiet%20comet?utm_source=share"
      Then the account is "quiet comet" on epic
      And Ada can still register her first trackers

  @rule-3
  Rule: 3. A person has at most four trackers, registered and added ones together

    Scenario: A fifth tracker is refused
      Given Ada has registered 4 players
      When Ada adds "Lintwurm"
      Then it is refused with 400 "tracker_limit_reached"

    Scenario: Registered and added trackers count together
      Given Ada has registered 2 players
      And Ada has added "Quiet Comet"
      And Ada has added "Brisk Otter"
      When Ada adds "Lintwurm"
      Then it is refused with 400 "tracker_limit_reached"

    Scenario: A duplicate is reported as a duplicate even at the limit
      Given Ada has registered 3 players
      And Ada has added "Lintwurm"
      When Ada adds "Lintwurm"
      Then it is refused with 409 "duplicate_tracker"

    @trap-limit-race
    Scenario: Twenty additions at the same moment create four trackers
      When Ada adds 20 different players at the same moment
      Then 4 of the answers are 201
      And the other 16 are 400 "tracker_limit_reached"

    @trap-limit-race
    Scenario: A registration and additions at the same moment never create five trackers
      When Ada registers four players and adds 8 others at the same moment
      Then at most 4 trackers were registered

    Scenario: Each person has a separate limit
      Given Ada has registered 4 players
      When Ben registers 4 players
      Then Ben has 4 new trackers

    Scenario: Refused additions do not count towards the limit
      Given Ada has registered 3 players
      And Ada was refused 5 links to nowhere
      When Ada adds "Lintwurm"
      Then Ada has 1 new tracker

  @public @users
  Rule: 1a. People with a login register and add by the same rules

    @rule-1
    Scenario: A person registers their first trackers
      Given Ada has a login
      When Ada herself registers "Quiet Comet" and "Lintwurm"
      Then Ada has 2 new trackers
      And every new tracker is waiting for its first run and has a task
      And Ada follows "Quiet Comet" and "Lintwurm"

    @rule-1
    Scenario: A person with trackers that a bot registered cannot register again
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada herself registers "Lintwurm"
      Then it is refused with 409 "already_registered"
      And Ada follows "Quiet Comet"

    @rule-1
    Scenario: A person cannot register without any link
      Given Ada has a login
      When Ada herself registers nothing
      Then it is refused with 422 "no_links"

    @rule-1 @rule-3
    Scenario: A person cannot register five trackers
      Given Ada has a login
      When Ada herself registers "Quiet Comet" and "Lintwurm" and "Brisk Otter" and "Mossy Kettle" and "Grüner Blitz"
      Then it is refused with 400 "tracker_limit_reached"
      And Ada follows nobody

    @rule-2 @trap-half-registered
    Scenario: A bad link among good links refuses them all, and no tracker is created
      Given Ada has a login
      When Ada herself registers "Quiet Comet" and then a link to nowhere
      Then it is refused with 422 "unsupported_link"
      And the answer names link 1, counted from 0
      And Ada follows nobody

    @rule-2
    Scenario: A followed account in another spelling is a duplicate
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada herself adds "QUIET COMET"
      Then it is refused with 409 "duplicate_tracker"

    @rule-3
    Scenario: Trackers from the bot and from the person count together
      Given Ada has registered 3 players
      And Ada has a login
      When Ada herself adds "Quiet Comet"
      Then Ada has 1 new tracker
      When Ada herself adds "Lintwurm"
      Then it is refused with 400 "tracker_limit_reached"

    @rule-3 @trap-limit-race
    Scenario: A person and the bot at the same moment never create five trackers
      Given Ada has a login
      When Ada herself and the bot add 10 players each at the same moment
      Then at most 4 trackers were registered
      And 4 of the answers are 201

    @rule-5
    Scenario: A person cannot register trackers for another person
      Given Ada and Ben have logins
      When Ada herself registers "Quiet Comet" in Ben's name
      Then it is refused with 422 "invalid"
      And Ben follows nobody

    @rule-1
    Scenario: Trackers cannot be registered without a login
      When somebody without a login registers "Quiet Comet"
      Then it is refused with 401 "unauthenticated"

  @public @users
  Rule: 1b. People enter figures that the site does not show

    Scenario: A manual snapshot is marked and shows its note
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada enters that "Quiet Comet" has 912 in playlist 11 in season "20"
      Then the snapshot is stored
      And one snapshot of "Quiet Comet" is manual, with Ada's note
      And "Quiet Comet" has a rating of 912 in playlist 11 in season "20"

    @sites
    Scenario: A manual snapshot of the past does not change the current rating
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada enters that "Quiet Comet" had 912 in playlist 11 a month ago
      Then the snapshot is stored
      And "Quiet Comet" has a rating of 1043 in playlist 11
      And "Quiet Comet" has 2 snapshots

    @sites
    Scenario: A fetch with changes replaces a manual rating
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada enters that "Quiet Comet" has 1990 in playlist 11
      Then "Quiet Comet" has a rating of 1990 in playlist 11
      When "Quiet Comet" wins 12 points in playlist 11
      And Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then "Quiet Comet" has a rating of 1055 in playlist 11

    Scenario Outline: An impossible snapshot is refused: <what>
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada enters with <what>
      Then it is refused with 422 "<code>"
      And no snapshot of "Quiet Comet" is manual

      @own_worker
      Examples: before a season was seen
        | what                                      | code                |
        | {"season": null}                          | impossible_snapshot |

      Examples:
        | what                                      | code                |
        | {"season": "summer"}                      | invalid             |
        | {"season": "00034"}                       | invalid             |
        | {"season": "2147483648"}                  | invalid             |
        | {"season": "999"}                         | impossible_snapshot |
        | {"captured_at": "2100-01-01T00:00:00Z"}   | impossible_snapshot |
        | {"captured_at": "2026-01-01T00:00:00"}    | invalid             |
        | {"playlists": []}                         | invalid             |
        | {"note": " "}                             | invalid             |
        | {"evidence_url": "javascript:alert(1)"}   | invalid             |

    @rule-5
    Scenario: A person cannot enter snapshots for another person
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben enters that Ada's "Quiet Comet" has 912 in playlist 11 in season "34"
      Then it is refused with 403 "forbidden"
      And no snapshot of "Quiet Comet" is manual

    Scenario: Other followers of the account do not see a manual snapshot
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben enters that "Quiet Comet" has 4900 in playlist 11 in season "20"
      Then the snapshot is stored
      And Ada's own tracker shows no manual snapshot

    Scenario: A manual snapshot can be corrected and removed
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada enters that "Quiet Comet" has 912 in playlist 11 in season "20"
      And Ada corrects it to 921
      Then "Quiet Comet" has a rating of 921 in playlist 11 in season "20"
      When Ada removes it
      Then no snapshot of "Quiet Comet" is manual
