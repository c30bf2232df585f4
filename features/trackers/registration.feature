@internal @games
Feature: Registration of game trackers
  A person shows a community's bot where their game accounts are, by pasting links. The bot hands the links in; the
  service says which accounts it understood and follows them, or says what to paste instead.

  @rule-1
  Rule: 1. A person registers one to four trackers, all of them or none

    Scenario Outline: A first registration makes a tracker for every link
      When Ada registers <number> players
      Then Ada has <number> new trackers
      And every tracker is waiting to be looked at, and has a task that tells how that goes

      Examples:
        | number |
        | 1      |
        | 2      |
        | 4      |

    Scenario: A registration without any link is refused
      When Ada registers 0 players
      Then it is refused with 422 "no_links"

    Scenario: Five links are too many, and none of them is kept
      When Ada registers 5 players
      Then it is refused with 400 "tracker_limit_reached"
      And Ada can still register her first trackers

    Scenario: Who has trackers already cannot register again
      Given Ada has registered "Quiet Comet"
      When Ada registers "Lintwurm"
      Then it is refused with 409 "already_registered"

    Scenario: Further trackers are added one at a time
      Given Ada has registered "Quiet Comet"
      When Ada adds "Lintwurm"
      Then Ada has 1 new tracker
      And the tracker follows "Lintwurm" on epic

    Scenario: A first tracker may also be added
      When Ada adds "Quiet Comet"
      Then Ada has 1 new tracker

    @trap-half-registered
    Scenario: One bad link among good ones refuses them all, and says which one it is
      When Ada registers the links
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet/overview |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm               |
        | https://rocketleague.tracker.network/rocket-league/profile/stadia/Brisk%20Otter        |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Mossy%20Kettle         |
      Then it is refused with 422 "unsupported_platform"
      And the answer points at link 2, counted from 0
      And Ada can still register her first trackers

    Scenario: A refused account can be registered once the links are right
      Given Ada was refused when she registered "Quiet Comet" beside a link to nowhere
      When Ada registers "Quiet Comet"
      Then Ada has 1 new tracker

    Scenario: Twenty registrations of one person at the same moment make one
      When Ada registers two players 20 times at the same moment
      Then 1 of the answers is 201
      And the other 19 are 409 "already_registered"

    Scenario: The same links handed in twice by an impatient bot make one registration
      When Ada registers "Quiet Comet" and "Lintwurm" 2 times at the same moment
      Then 1 of the answers is 201
      And the other 1 are 409 "already_registered"

    Scenario: Two people may follow the same account
      Given Ada has registered "Quiet Comet"
      When Ben registers "Quiet Comet"
      Then Ben has 1 new tracker
      And Ada and Ben have different trackers

    Scenario: Two people who register the same accounts in opposite order at the same moment both succeed
      When Ada and Ben register the same four players in opposite order at the same moment
      Then 2 of the answers are 201

    Scenario Outline: Nobody is registered for who has no working key
      Given the bot shows <key>
      When Ada registers "Quiet Comet"
      Then it is refused with 401 "unauthenticated"

      Examples:
        | key                    |
        | no key                 |
        | a key that was made up |

    Scenario Outline: A person is known by a Discord id
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
  Rule: 2. A link names one account that can be followed, and nobody follows an account twice

    Scenario Outline: Links are understood as people paste them
      When Ada adds the link "<link>"
      Then Ada has 1 new tracker
      And the tracker follows "<player>" on <platform>
      And the tracker remembers the link as it was pasted

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

    Scenario Outline: Links that name no account are refused, and the answer says what is wrong
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

    Scenario: Two accounts in one field are refused: nobody can tell which one was meant
      When Ada adds the link "https://tracker.gg/rocket-league/profile/epic/Lintwurm https://tracker.gg/rocket-league/profile/epic/Brisk%20Otter"
      Then it is refused with 422 "ambiguous_link"

    Scenario: The same account twice in one field is one account
      When Ada adds the link "https://tracker.gg/rocket-league/profile/epic/Lintwurm https://tracker.gg/rocket-league/profile/epic/lintwurm/overview"
      Then Ada has 1 new tracker

    Scenario: A field with a whole novel in it is refused
      When Ada adds a link that is 5000 characters long
      Then it is refused with 422 "link_too_long"

    Scenario Outline: An account that a person follows is known again in any other spelling
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
    Scenario: One account twice in a registration refuses it as a whole
      When Ada registers the links
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet/overview |
        | https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm               |
        | https://tracker.gg/rocket-league/profile/epic/QUIET%20COMET                            |
      Then it is refused with 409 "duplicate_tracker"
      And the answer points at link 2, counted from 0
      And Ada can still register her first trackers

    Scenario: The same name on another platform is another account
      Given Ada has added the link "https://rocketleague.tracker.network/rocket-league/profile/epic/Lintwurm"
      When Ada adds the link "https://rocketleague.tracker.network/rocket-league/profile/psn/Lintwurm"
      Then Ada has 1 new tracker

    Scenario: One account added twenty times at the same moment is followed once
      When Ada adds "Lintwurm" 20 times at the same moment
      Then 1 of the answers is 201
      And the other 19 are 409 "duplicate_tracker"

    Scenario: A link can be tried out without being registered
      When the bot asks what "https://tracker.gg/rocket-league/profile/epic/quiet%20comet?utm_source=share" means
      Then it means "quiet comet" on epic
      And Ada can still register her first trackers

  @rule-3
  Rule: 3. A person has at most four trackers, whatever way they came

    Scenario: The fifth tracker is refused
      Given Ada has registered 4 players
      When Ada adds "Lintwurm"
      Then it is refused with 400 "tracker_limit_reached"

    Scenario: Registered and added trackers count together
      Given Ada has registered 2 players
      And Ada has added "Quiet Comet"
      And Ada has added "Brisk Otter"
      When Ada adds "Lintwurm"
      Then it is refused with 400 "tracker_limit_reached"

    Scenario: Who is full is told of a duplicate as a duplicate
      Given Ada has registered 3 players
      And Ada has added "Lintwurm"
      When Ada adds "Lintwurm"
      Then it is refused with 409 "duplicate_tracker"

    @trap-limit-race
    Scenario: Twenty additions at the same moment leave four trackers
      When Ada adds 20 different players at the same moment
      Then 4 of the answers are 201
      And the other 16 are 400 "tracker_limit_reached"

    @trap-limit-race
    Scenario: A registration and additions at the same moment never make five
      When Ada registers four players and adds 8 others at the same moment
      Then at most 4 trackers came of it

    Scenario: Everybody has a limit of their own
      Given Ada has registered 4 players
      When Ben registers 4 players
      Then Ben has 4 new trackers

    Scenario: Refused additions do not count
      Given Ada has registered 3 players
      And Ada was refused 5 links to nowhere
      When Ada adds "Lintwurm"
      Then Ada has 1 new tracker

  @public @users
  Rule: 1a. Who has a login registers and adds by the same rules

    @rule-1
    Scenario: One's first trackers, by oneself
      Given Ada has a login
      When Ada herself registers "Quiet Comet" and "Lintwurm"
      Then Ada has 2 new trackers
      And every tracker is waiting to be looked at, and has a task that tells how that goes
      And Ada follows "Quiet Comet" and "Lintwurm"

    @rule-1
    Scenario: Who has trackers already cannot register again by themselves, whoever registered them
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada herself registers "Lintwurm"
      Then it is refused with 409 "already_registered"
      And Ada follows "Quiet Comet"

    @rule-1
    Scenario: Nothing cannot be registered
      Given Ada has a login
      When Ada herself registers nothing
      Then it is refused with 422 "no_links"

    @rule-1 @rule-3
    Scenario: Nor can five
      Given Ada has a login
      When Ada herself registers "Quiet Comet" and "Lintwurm" and "Brisk Otter" and "Mossy Kettle" and "Grüner Blitz"
      Then it is refused with 400 "tracker_limit_reached"
      And Ada follows nobody

    @rule-2 @trap-half-registered
    Scenario: One bad link among good ones refuses them all, and none is kept
      Given Ada has a login
      When Ada herself registers "Quiet Comet" and then a link to nowhere
      Then it is refused with 422 "unsupported_link"
      And the answer points at link 1, counted from 0
      And Ada follows nobody

    @rule-2
    Scenario: An account in another spelling is one that she follows already
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada herself adds "QUIET COMET"
      Then it is refused with 409 "duplicate_tracker"

    @rule-3
    Scenario: What the bot registered and what she adds count together
      Given Ada has registered 3 players
      And Ada has a login
      When Ada herself adds "Quiet Comet"
      Then Ada has 1 new tracker
      When Ada herself adds "Lintwurm"
      Then it is refused with 400 "tracker_limit_reached"

    @rule-3 @trap-limit-race
    Scenario: She and the bot at the same moment never make five
      Given Ada has a login
      When Ada herself and the bot add 10 players each at the same moment
      Then at most 4 trackers came of it
      And 4 of the answers are 201

    @rule-5
    Scenario: Nobody registers for somebody else
      Given Ada and Ben have logins
      When Ada herself registers "Quiet Comet" in Ben's name
      Then it is refused with 422 "invalid"
      And Ben follows nobody

    @rule-1
    Scenario: Nobody registers without a login
      When somebody without a login registers "Quiet Comet"
      Then it is refused with 401 "unauthenticated"

  @public @users
  Rule: 1b. What the site does not say is entered by hand

    Scenario: A manual snapshot is marked, with where it is from
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada enters that "Quiet Comet" has 912 in playlist 11 in season "20"
      Then it is entered
      And one snapshot of "Quiet Comet" is manual, with Ada's note
      And "Quiet Comet" has a rating of 912 in playlist 11 in season "20"

    @sites
    Scenario: What was seen of the past leaves the present as it is
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada enters that "Quiet Comet" had 912 in playlist 11 a month ago
      Then it is entered
      And "Quiet Comet" has a rating of 1043 in playlist 11
      And "Quiet Comet" has 2 snapshots

    @sites
    Scenario: A look that finds something new corrects what was entered of the present
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada enters that "Quiet Comet" has 1990 in playlist 11
      Then "Quiet Comet" has a rating of 1990 in playlist 11
      When "Quiet Comet" wins 12 points in playlist 11
      And Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then "Quiet Comet" has a rating of 1055 in playlist 11

    Scenario Outline: What nobody can have seen is refused: <what>
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada enters with <what>
      Then it is refused with 422 "<code>"
      And no snapshot of "Quiet Comet" is manual

      @own_worker
      Examples: while no season was seen
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
    Scenario: Nobody enters anything for somebody else
      Given Ada has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben enters that Ada's "Quiet Comet" has 912 in playlist 11 in season "34"
      Then it is refused with 403 "forbidden"
      And no snapshot of "Quiet Comet" is manual

    Scenario: Other followers of the account see nothing of it
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ada and Ben have logins
      When Ben enters that "Quiet Comet" has 4900 in playlist 11 in season "20"
      Then it is entered
      And Ada's own tracker shows no manual snapshot

    Scenario: A manual snapshot is corrected, and removed
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada enters that "Quiet Comet" has 912 in playlist 11 in season "20"
      And Ada corrects it to 921
      Then "Quiet Comet" has a rating of 921 in playlist 11 in season "20"
      When Ada removes it
      Then no snapshot of "Quiet Comet" is manual
