@public @users @flights
Feature: Price watches
  A search is fetched at the interval of its watches, once for everybody with the same search. A failed fetch is tried
  again, and its reason is shown.

  Background:
    Given Ada and Ben have logins
    And Ada has planned a trip

  Rule: 1. A watch has sensible defaults and limits

    @flights-create
    Scenario: Only trip and target are required
      When Ada watches the trip for 30000
      Then the watch is active, of google_flights, in USD, economy, every 360 minutes, with 6 hours of cooldown
      And it has no fetch and no alert yet

    @flights-limits
    Scenario Outline: A watch beyond the limits is refused
      When Ada watches the trip with "<field>" <value>
      Then the request is refused with 422 "<code>"

      Examples:
        | field                  | value     | code             |
        | target_price           | 0         | invalid          |
        | check_interval_minutes | 29        | invalid          |
        | check_interval_minutes | 1441      | invalid          |
        | alert_cooldown_hours   | 0         | invalid          |
        | alert_cooldown_hours   | 73        | invalid          |
        | currency               | "ZZZ"     | unknown_currency |
        | provider               | "swallow" | unknown_provider |

    @flights-provider
    Scenario: An unknown provider is refused with a list of the known providers
      When Ada watches the trip with "provider" "swallow"
      Then the answer lists google_flights and manual

    @flights-read
    Scenario: Active and inactive watches are listed separately
      Given Ada watches the trip for 30000
      And Ada watches the trip for 20000
      When Ada deactivates the last watch
      Then Ada has 1 active and 1 inactive watch

    @flights-read @flights-change @flights-delete
    Scenario: A watch is read, changed in part and removed
      Given Ada watches the trip for 30000
      When Ada reads the watch
      Then its target is 30000 and its interval 360 minutes
      When Ada changes its "check_interval_minutes" to 60
      And Ada reads the watch
      Then its target is 30000 and its interval 60 minutes
      When Ada removes the watch
      And Ada reads the watch
      Then the request is refused with 404 "watch_not_found"

  Rule: 2. A watch is private to its owner

    @flights-own
    Scenario Outline: For other people the watch does not exist
      Given Ada watches the trip for 30000
      When Ben <does> the watch
      Then the request is refused with 404 "watch_not_found"

      Examples:
        | does                |
        | reads               |
        | changes             |
        | removes             |
        | scrapes             |
        | reads the alerts of |

    @flights-trip
    Scenario: Nobody can watch the trip of another person
      When Ben watches the trip for 30000
      Then the request is refused with 404 "trip_not_found"

  @sites
  Rule: 3. A due search is fetched, once for everybody who watches it

    @flights-checked
    Scenario: The first fetch gives a watch its price
      Given the site shows the price 28840
      And Ada watches the trip for 20000
      When the worker has run
      Then the watch has the price 28840

    @own_worker
    Scenario: Two people with the same search cause one request
      Given Ada watches the trip for 20000
      And Ben has planned the same trip
      And Ben watches the trip for 20000
      When the worker has run
      Then the site got one request

    @own_worker @flights-due
    Scenario: A search is fetched again when its interval is over, and not before
      Given Ada watches the trip for 20000
      When the worker has run
      And the worker has run 4 hours later
      Then the site got one request
      When the worker has run 7 hours later
      Then the site got two requests

    @own_worker @flights-inactive
    Scenario: The search of an inactive watch is not fetched
      Given Ada watches the trip for 20000
      And Ada deactivates the last watch
      When the worker has run
      Then the site got no request

    @flights-now
    Scenario: A requested fetch goes ahead of scheduled fetches
      Given Ada watches the trip for 20000
      When Ada scrapes the watch
      Then the request is accepted with a task
      When the worker has run
      Then the task is completed

    @own_worker @flights-crash
    Scenario: A fetch that a crash interrupted is repeated
      Given the site shows the price 28840
      And the site does not answer searches
      And Ada watches the trip for 20000
      And a worker was killed during the fetch
      When the site answers again
      And another worker runs
      Then the watch finally has the price 28840

  @sites @own_worker
  Rule: 4. An answer without prices has a reason, and changes no price

    @flights-others
    Scenario: A failed fetch does not delay other fetches
      Given the site shows the price 28840
      And Ben has planned a trip that the site fails to answer
      And Ben watches the trip for 20000
      And Ada watches the trip for 20000
      When the worker has run
      Then the fetch of Ben's watch has failed: unavailable
      And the watch has the price 28840

    @flights-failure
    Scenario Outline: The watch shows the reason and keeps its price
      Given the site shows the price 28840
      And Ada watches the trip for 20000
      And the worker has run
      When the site answers with "<what>"
      And the worker has run 7 hours later
      Then the fetch of the watch has failed: <reason>
      And the watch has the price 28840

      Examples:
        | what           | reason       |
        | failed         | unavailable  |
        | other_currency | page_changed |
        | block          | blocked      |

    Scenario: An answer without flights is valid
      Given the site shows the price 28840
      And Ada watches the trip for 20000
      And the worker has run
      When the site answers with "none"
      And the worker has run 7 hours later
      Then the fetch of the watch is completed without a price
