@public @users @flights
Feature: Price watches
  A watch is looked at as often as it asks for, once for everybody who asks the same; what fails is tried again and told.

  Background:
    Given Ada and Ben have logins
    And Ada has planned a trip

  Rule: 1. A watch is made with sensible defaults, and within limits

    @flights-create
    Scenario: Only trip and target are needed
      When Ada watches it for 30000
      Then the watch is active, of google_flights, in USD, economy, every 360 minutes, with 6 hours of cooldown
      And it was never checked and never alerted

    @flights-limits
    Scenario Outline: Past its limits it is refused
      When Ada watches it with "<field>" <value>
      Then it is refused with 422 "<code>"

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
    Scenario: An unknown provider is refused with those that there are
      When Ada watches it with "provider" "swallow"
      Then the answer names google_flights and manual

    @flights-read
    Scenario: Inactive ones are listed apart
      Given Ada watches it for 30000
      And Ada watches it for 20000
      When Ada deactivates the last watch
      Then of Ada's watches 1 is active and 1 is not

    @flights-read @flights-change @flights-delete
    Scenario: It is read, changed in part and removed
      Given Ada watches it for 30000
      When Ada reads the watch
      Then it is a watch for 30000, every 360 minutes
      When Ada changes its "check_interval_minutes" to 60
      And Ada reads the watch
      Then it is a watch for 30000, every 60 minutes
      When Ada removes the watch
      And Ada reads the watch
      Then it is refused with 404 "watch_not_found"

  Rule: 2. A watch is nobody else's business

    @flights-own
    Scenario Outline: To everybody else there is no such watch
      Given Ada watches it for 30000
      When Ben <does> the watch
      Then it is refused with 404 "watch_not_found"

      Examples:
        | does                |
        | reads               |
        | changes             |
        | removes             |
        | scrapes             |
        | reads the alerts of |

    @flights-trip
    Scenario: Nobody watches somebody else's trip
      When Ben watches it for 30000
      Then it is refused with 404 "trip_not_found"

  @sites
  Rule: 3. A watch that is due is looked at, once for everybody who asks the same

    @flights-checked
    Scenario: It knows its price after the first look
      Given the site shows it for 28840
      And Ada watches it for 20000
      When the worker has looked
      Then the watch knows the price 28840

    @own_worker
    Scenario: Two people who ask the same are one request
      Given Ada watches it for 20000
      And Ben has planned the same trip
      And Ben watches it for 20000
      When the worker has looked
      Then the site was asked once

    @own_worker @flights-due
    Scenario: It is looked at again when its interval is over, and not before
      Given Ada watches it for 20000
      When the worker has looked
      And the worker has looked 4 hours later
      Then the site was asked once
      When the worker has looked 7 hours later
      Then the site was asked twice

    @own_worker @flights-inactive
    Scenario: A deactivated watch is not looked at
      Given Ada watches it for 20000
      And Ada deactivates the last watch
      When the worker has looked
      Then the site was not asked

    @flights-now
    Scenario: Asked for by hand it goes ahead of the rest
      Given Ada watches it for 20000
      When Ada scrapes the watch
      Then it is accepted with a task
      When the worker has looked
      Then the task is completed

    @own_worker @flights-crash
    Scenario: A check that a crash interrupted is done again
      Given the site shows it for 28840
      And the site keeps searches waiting
      And Ada watches it for 20000
      And a worker was killed during the check
      When the site answers again
      And another worker runs
      Then the watch knows the price 28840 in the end

  @sites @own_worker
  Rule: 4. What comes instead of prices is told apart, and changes none

    @flights-others
    Scenario: A check that fails holds up no other
      Given the site shows it for 28840
      And Ben has planned a trip for which the site has no answer
      And Ben watches it for 20000
      And Ada watches it for 20000
      When the worker has looked
      Then Ben's watch is failed: unavailable
      And the watch knows the price 28840

    @flights-failure
    Scenario Outline: The reason is shown, the price stays
      Given the site shows it for 28840
      And Ada watches it for 20000
      And the worker has looked
      When the site shows it as <what>
      And the worker has looked 7 hours later
      Then the watch is failed: <reason>
      And the watch knows the price 28840

      Examples:
        | what           | reason       |
        | failed         | unavailable  |
        | other_currency | page_changed |
        | block          | blocked      |

    Scenario: No flights is an answer
      Given the site shows it for 28840
      And Ada watches it for 20000
      And the worker has looked
      When the site shows it as none
      And the worker has looked 7 hours later
      Then the watch is completed and knows no price
