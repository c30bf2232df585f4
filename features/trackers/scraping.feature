@internal @games
Feature: Scraping of game trackers
  What is registered is looked at on the site, politely and soon; how that stands is always known, and what came of it
  is kept. A failure says whose it is: the player's, the site's, or ours.

  @rule-4
  Rule: 4. Registered trackers are scraped, and their status is always known

    @sites
    Scenario: A registered tracker is looked at and tells where the player stands
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" is completed
      And "Quiet Comet" has a rating of 1043 in playlist 11
      And the task of "Quiet Comet" is completed and found something new

    Scenario: A tracker is pending until it is looked at
      When Ada registers "Quiet Comet"
      Then every tracker is waiting to be looked at, and has a task that tells how that goes

    Scenario: A task that was never given out is unknown
      When somebody asks for a task that was never given out
      Then it is refused with 404 "task_not_found"

    Scenario: A tracker that was never made is unknown
      When somebody asks for a tracker that was never made
      Then it is refused with 404 "tracker_not_found"

    @sites @own_worker
    Scenario: A tracker is in progress while the site keeps us waiting
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker starts to look
      Then the tracker of "Quiet Comet" is in progress
      And the task of "Quiet Comet" is in progress
      When the worker has finished
      Then the tracker of "Quiet Comet" has failed: unavailable

    @sites
    Scenario: A look that finds nothing new changes nothing
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then the tracker of "Quiet Comet" is completed
      And the task of "Quiet Comet" is completed and found nothing new
      And "Quiet Comet" has 1 snapshot

    @sites @own_worker
    Scenario: A tracker is looked at again by itself, and keeps what changed
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And "Quiet Comet" wins 12 points in playlist 11
      When the worker has looked two days later
      Then "Quiet Comet" has a rating of 1055 in playlist 11
      And "Quiet Comet" has 2 snapshots
      And the newest snapshot of "Quiet Comet" shows only playlist 11, going from 1043 to 1055

    @sites @own_worker
    Scenario: A new season begins and the old one is kept
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      When season 35 begins
      And the worker has looked two days later
      Then the current season of "Quiet Comet" is "35"
      And "Quiet Comet" still had a rating of 1043 in playlist 11 in season "34"

  @rule-4
  Rule: 4a. What is stored is what the site means

    @sites @trap-streak-sign
    Scenario Outline: A streak keeps its sign
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And "Quiet Comet" <plays> 3 matches in a row in playlist 11
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then "Quiet Comet" has a streak of <streak> in playlist 11

      Examples:
        | plays | streak |
        | wins  | 3      |
        | loses | -3     |

    @sites @trap-estimated-as-real
    Scenario: A rank that the site only estimates is marked as estimated
      Given the site knows the player "Quiet Comet", who has not played this season
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" is completed
      And the ranks of "Quiet Comet" in playlists 10, 11 and 13 are estimated

    @sites @trap-estimated-as-real
    Scenario: A rank that was played for is not marked as estimated
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the rank of "Quiet Comet" in playlist 11 is real

    @sites
    Scenario: Absent values may be null or missing
      Given the site answers for "Quiet Comet" as it did in 2023
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" is completed
      And "Quiet Comet" has a rating of 987 in playlist 13

  @rule-4
  Rule: 4b. A failed look says why, and whose fault it is

    @sites
    Scenario Outline: What went wrong is told apart: <trouble>
      Given <trouble> when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" has failed: <reason>
      And the task of "Quiet Comet" has failed: <reason>
      And it is told when the next attempt is made

      @trap-not-found-as-invalid
      Examples: the player
        | trouble                                     | reason    |
        | the site says that there is no such player  | not_found |
        | the site says that the profile is private   | private   |

      Examples: the site refuses us
        | trouble                                     | reason    |
        | a firewall shows its page with status 403   | blocked   |
        | a firewall shows its page with status 200   | blocked   |
        | the site sends us to another host           | blocked   |
        | the site sends us into the private network  | blocked   |
        | the site counts too many requests           | throttled |

      Examples: the site is down
        | trouble                                     | reason      |
        | the site answers 503                        | unavailable |
        | the site answers 500                        | unavailable |
        | the site hangs up                           | unavailable |
        | the site stops in the middle of its answer  | unavailable |
        | the site sends an empty answer              | unavailable |
        | the site sends something that is no HTTP    | unavailable |
        | the site sends 50 megabytes                 | unavailable |
        | the site sends a bomb                       | unavailable |
        | the site never answers                      | unavailable |

      Examples: the site was rebuilt
        | trouble                                     | reason       |
        | nothing is where it was                     | page_changed |
        | the site shows its own page with status 404 | page_changed |

    @sites
    Scenario: JSON under a wrong name is still JSON
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And the site calls its answer text when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" is completed

    @sites @trap-not-found-as-invalid
    Scenario: Who is missing harms nobody else
      Given the site knows the player "Lintwurm" with a rating of 1043 in playlist 11
      And the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet" and "Lintwurm"
      When the worker has looked
      Then the tracker of "Quiet Comet" has failed: not_found
      And the tracker of "Lintwurm" is completed

    @sites
    Scenario Outline: A failed look leaves what was known: <trouble>
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And <trouble> when asked for "Quiet Comet"
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then the tracker of "Quiet Comet" has failed: <reason>
      And "Quiet Comet" has a rating of 1043 in playlist 11
      And "Quiet Comet" has 1 snapshot

      Examples:
        | trouble                                    | reason       |
        | nothing is where it was                    | page_changed |
        | the site says that there is no such player | not_found    |
        | the site says that the profile is private  | private      |
        | the site answers 503                       | unavailable  |

    @sites @own_worker @trap-swallowed-error
    Scenario Outline: A failed look is tried again by itself: <trouble>
      Given <trouble>, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And the tracker of "Quiet Comet" has failed: <reason>
      When the worker has looked two days later
      Then the tracker of "Quiet Comet" is completed

      Examples:
        | trouble                                    | reason       |
        | the site answers 503                       | unavailable  |
        | the site says that there is no such player | not_found    |
        | nothing is where it was                    | page_changed |

    @sites @own_worker
    Scenario: A block is the site's state: the next players wait, and are not asked for
      Given a firewall shows its page with status 403, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And the tracker of "Quiet Comet" has failed: blocked
      When Ben registers "Lintwurm"
      And the worker has looked
      Then the tracker of "Lintwurm" is pending
      And the site was not asked for "Lintwurm"

    @sites @own_worker
    Scenario: The site is left alone as long as it asks for, and then asked again
      Given the site asks us to come back in 1 second, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And the tracker of "Quiet Comet" has failed: throttled
      When the worker keeps looking, two days later
      Then the tracker of "Quiet Comet" is completed
      And at least 1 second lay between the requests for "Quiet Comet"

    @sites @own_worker
    Scenario: Where robots.txt asks us to stay away, we do
      Given the site's robots.txt asks everybody to stay away
      And Ada has registered "Quiet Comet"
      When the worker has looked
      Then the tracker of "Quiet Comet" has failed: blocked
      And the site was not asked for "Quiet Comet"

  @rule-4
  Rule: 4c. Nothing is fetched twice, too fast, or forgotten

    @sites
    Scenario: An account that two people follow is fetched once
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      When the worker has looked
      Then the site was asked for "Quiet Comet" once
      And the trackers of Ada and Ben are completed

    @sites
    Scenario: A fresh look brings what changed meanwhile
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And "Quiet Comet" loses 9 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then the task of "Quiet Comet" is completed and found something new
      And "Quiet Comet" has a rating of 1034 in playlist 11

    @sites @own_worker @trap-queued-twice
    Scenario: A fresh look asked for twenty times at the same moment is one look
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      When Ada asks for a fresh look at "Quiet Comet" 20 times at the same moment
      And the worker has looked
      Then the 20 answers name one task
      And the site was asked for "Quiet Comet" twice

    @sites @own_worker
    Scenario: A fresh look asked for while one is under way is that one
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker starts to look
      Then the tracker of "Quiet Comet" is in progress
      When Ada asks for a fresh look at "Quiet Comet"
      Then they were all given the same task

    Scenario: A fresh look at a tracker that was never made is refused
      When somebody asks for a fresh look at a tracker that was never made
      Then it is refused with 404 "tracker_not_found"

    @own_worker @trap-queued-twice
    Scenario: A tracker that waits already is not queued again: the task is the same
      Given Ada has registered "Quiet Comet"
      When Ben registers "Quiet Comet"
      And Cleo registers "Quiet Comet"
      Then they were all given the same task

    @sites @own_worker @trap-queued-twice
    Scenario: Pending trackers put ahead many times are fetched once
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      When the bot has all pending trackers processed 5 times
      And the worker has looked
      Then the site was asked for "Quiet Comet" once
      And the site was asked for "Lintwurm" once

    @sites @own_worker
    Scenario: Trackers that are completed are not pending
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      When the bot has all pending trackers processed
      Then 0 trackers were put ahead

    @sites @own_worker @trap-pace-per-process
    Scenario: Two workers keep the site's pace together
      Given a pace of one request in 0.25 seconds, give or take 0.1
      And Ada has registered 4 players
      And a first worker has begun to ask the site
      When Ben registers 4 players
      And a second worker helps until all is done
      Then the requests lay at least 0.15 seconds apart on the whole

    @sites @own_worker @trap-in-progress-forever
    Scenario: What a killed worker held is picked up again by another one
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And a worker was killed while the tracker of "Quiet Comet" was in progress
      And the site is well again
      When another worker runs
      Then the tracker of "Quiet Comet" is completed in the end
      And the task of "Quiet Comet" is completed and found something new
