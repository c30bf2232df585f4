@internal @games
Feature: Scraping of game trackers
  Registered accounts are fetched from the site soon and politely. Their status is always known, and their history is
  kept. A failure shows its cause: the player, the site, or the service.

  @rule-4
  Rule: 4. Registered trackers are scraped, and their status is always known

    @sites
    Scenario: A registered tracker is fetched and shows the player's rating
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" is completed
      And "Quiet Comet" has a rating of 1043 in playlist 11
      And the task of "Quiet Comet" is completed and found something new

    Scenario: A tracker is pending until it is fetched
      When Ada registers "Quiet Comet"
      Then every new tracker is waiting for its first run and has a task

    Scenario: An unknown task is not found
      When somebody requests a task that does not exist
      Then it is refused with 404 "task_not_found"

    Scenario: An unknown tracker is not found
      When somebody requests a tracker that does not exist
      Then it is refused with 404 "tracker_not_found"

    @sites @own_worker
    Scenario: A tracker is in progress until the site answers
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker starts a run
      Then the tracker of "Quiet Comet" is in progress
      And the task of "Quiet Comet" is in progress
      When the worker has finished
      Then the tracker of "Quiet Comet" has failed: unavailable

    @sites
    Scenario: A fetch without changes adds no snapshot
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then the tracker of "Quiet Comet" is completed
      And the task of "Quiet Comet" is completed and found nothing new
      And "Quiet Comet" has 1 snapshot

    @sites @own_worker
    Scenario: A tracker is fetched again automatically, and stores changes
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And "Quiet Comet" wins 12 points in playlist 11
      When the worker has run two days later
      Then "Quiet Comet" has a rating of 1055 in playlist 11
      And "Quiet Comet" has 2 snapshots
      And the newest snapshot of "Quiet Comet" shows only playlist 11, going from 1043 to 1055

    @sites @own_worker
    Scenario: A new season starts, and the old one is kept
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      When season 35 begins
      And the worker has run two days later
      Then the current season of "Quiet Comet" is "35"
      And "Quiet Comet" still has a rating of 1043 in playlist 11 in season "34"

  @rule-4
  Rule: 4a. Stored values have the meaning of the site

    @sites @trap-streak-sign
    Scenario Outline: A streak keeps its sign
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And "Quiet Comet" <plays> 3 matches in a row in playlist 11
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then "Quiet Comet" has a streak of <streak> in playlist 11

      Examples:
        | plays | streak |
        | wins  | 3      |
        | loses | -3     |

    @sites @trap-estimated-as-real
    Scenario: A rank that the site only estimates is marked as estimated
      Given the site knows the player "Quiet Comet", who has not played this season
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" is completed
      And the ranks of "Quiet Comet" in playlists 10, 11 and 13 are estimated

    @sites @trap-estimated-as-real
    Scenario: A rank from played matches is not marked as estimated
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the rank of "Quiet Comet" in playlist 11 is real

    @sites
    Scenario: Empty values may be null or missing
      Given the site answers for "Quiet Comet" as it did in 2023
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" is completed
      And "Quiet Comet" has a rating of 987 in playlist 13

  @rule-4
  Rule: 4b. A failed fetch shows its reason and cause

    @sites
    Scenario Outline: Failures have different reasons: <trouble>
      Given <trouble> when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" has failed: <reason>
      And the task of "Quiet Comet" has failed: <reason>
      And the time of the next attempt is shown

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
        | the site closes the connection              | unavailable |
        | the site sends half an answer               | unavailable |
        | the site sends an empty answer              | unavailable |
        | the site sends an answer that is not HTTP   | unavailable |
        | the site sends 50 megabytes                 | unavailable |
        | the site sends a compression bomb           | unavailable |
        | the site never answers                      | unavailable |

      Examples: the site has changed
        | trouble                                     | reason       |
        | the site was rebuilt                        | page_changed |
        | the site shows its own page with status 404 | page_changed |

    @sites
    Scenario: JSON with a wrong content type is accepted
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And the site labels its answer as text when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" is completed

    @sites @trap-not-found-as-invalid
    Scenario: A missing player does not affect other players
      Given the site knows the player "Lintwurm" with a rating of 1043 in playlist 11
      And the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet" and "Lintwurm"
      When the worker has run
      Then the tracker of "Quiet Comet" has failed: not_found
      And the tracker of "Lintwurm" is completed

    @sites
    Scenario Outline: A failed fetch keeps the known ratings: <trouble>
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And <trouble> when asked for "Quiet Comet"
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then the tracker of "Quiet Comet" has failed: <reason>
      And "Quiet Comet" has a rating of 1043 in playlist 11
      And "Quiet Comet" has 1 snapshot

      Examples:
        | trouble                                    | reason       |
        | the site was rebuilt                       | page_changed |
        | the site says that there is no such player | not_found    |
        | the site says that the profile is private  | private      |
        | the site answers 503                       | unavailable  |

    @sites @own_worker @trap-swallowed-error
    Scenario Outline: A failed fetch is retried automatically: <trouble>
      Given <trouble>, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has run
      And the tracker of "Quiet Comet" has failed: <reason>
      When the worker has run two days later
      Then the tracker of "Quiet Comet" is completed

      Examples:
        | trouble                                    | reason       |
        | the site answers 503                       | unavailable  |
        | the site says that there is no such player | not_found    |
        | the site was rebuilt                       | page_changed |

    @sites @own_worker
    Scenario: A block stops requests to the site, and other players wait
      Given a firewall shows its page with status 403, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has run
      And the tracker of "Quiet Comet" has failed: blocked
      When Ben registers "Lintwurm"
      And the worker has run
      Then the tracker of "Lintwurm" is pending
      And the site was not asked for "Lintwurm"

    @sites @own_worker
    Scenario: The requested pause of the site is kept before the next request
      Given the site asks for a pause of 1 second, once, when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has run
      And the tracker of "Quiet Comet" has failed: throttled
      When the worker runs repeatedly two days later
      Then the tracker of "Quiet Comet" is completed
      And at least 1 second passed between the requests for "Quiet Comet"

    @sites @own_worker
    Scenario: A robots.txt that disallows fetching is obeyed
      Given the site's robots.txt disallows everything
      And Ada has registered "Quiet Comet"
      When the worker has run
      Then the tracker of "Quiet Comet" has failed: blocked
      And the site was not asked for "Quiet Comet"

  @rule-4
  Rule: 4c. No account is fetched twice, too fast, or forgotten

    @sites
    Scenario: An account with two followers is fetched once
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      When the worker has run
      Then the site was asked for "Quiet Comet" once
      And the trackers of Ada and Ben are completed

    @sites
    Scenario: A refresh stores what changed in the meantime
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And "Quiet Comet" loses 9 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then the task of "Quiet Comet" is completed and found something new
      And "Quiet Comet" has a rating of 1034 in playlist 11

    @sites @own_worker @trap-queued-twice
    Scenario: Twenty refreshes requested at the same moment are one run
      Given Ada has registered "Quiet Comet"
      And the worker has run
      When Ada requests a refresh of "Quiet Comet" 20 times at the same moment
      And the worker has run
      Then the 20 answers have the same task
      And the site was asked for "Quiet Comet" twice

    @sites @own_worker
    Scenario: A refresh requested during a run joins the run
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      When the worker starts a run
      Then the tracker of "Quiet Comet" is in progress
      When Ada requests a refresh of "Quiet Comet"
      Then all requests got the same task

    Scenario: A refresh of an unknown tracker is refused
      When somebody requests a refresh of a tracker that does not exist
      Then it is refused with 404 "tracker_not_found"

    @own_worker @trap-queued-twice
    Scenario: A pending tracker is not queued again: the task stays the same
      Given Ada has registered "Quiet Comet"
      When Ben registers "Quiet Comet"
      And Cleo registers "Quiet Comet"
      Then all requests got the same task

    @sites @own_worker @trap-queued-twice
    Scenario: Pending trackers that are boosted many times are fetched once
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      When the bot requests processing of all pending trackers 5 times
      And the worker has run
      Then the site was asked for "Quiet Comet" once
      And the site was asked for "Lintwurm" once

    @sites @own_worker
    Scenario: Completed trackers are not pending
      Given Ada has registered "Quiet Comet"
      And the worker has run
      When the bot requests processing of all pending trackers
      Then 0 trackers were boosted

    @sites @own_worker @trap-pace-per-process
    Scenario: Two workers share the pace of the site
      Given a pace of one request per 0.25 seconds, plus or minus 0.1
      And Ada has registered 4 players
      And a first worker has started to fetch
      When Ben registers 4 players
      And a second worker runs until all trackers are fetched
      Then the requests are at least 0.15 seconds apart on average

    @sites @own_worker @trap-in-progress-forever
    Scenario: The tracker of a killed worker is fetched by another worker
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And a worker was killed while the tracker of "Quiet Comet" was in progress
      And the site works again
      When another worker runs
      Then the tracker of "Quiet Comet" becomes completed
      And the task of "Quiet Comet" is completed and found something new
