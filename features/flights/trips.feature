@public @users @flights
Feature: Trips
  Somebody plans a journey and wants to know what it costs. Nobody else knows of it.

  Background:
    Given Ada and Ben have logins

  Rule: 1. A trip is a journey that can be flown

    Scenario: A trip is planned, changed and removed
      When Ada plans a trip
      Then it is hers, and has not departed
      When Ada changes it to 2 adults and 1 child
      Then it is for 3 travellers
      When Ada removes it
      Then Ada has no trips

    Scenario Outline: What cannot be flown is refused
      When Ada plans a trip with <what>
      Then it is refused with 422 "<code>"
      And Ada has no trips

      Examples:
        | what                       | code            |
        | "origin" "QQQ"             | unknown_airport |
        | "departs_on" "2020-01-01"  | impossible_trip |
        | "departs_on" "tomorrow"    | invalid         |
        | "returns_on" "2020-01-01"  | impossible_trip |
        | "infants_on_lap" "2"       | impossible_trip |
        | "adults" "10"              | invalid         |

  Rule: 2. A trip is nobody else's business

    Scenario Outline: To everybody else there is no such trip
      Given Ada has planned a trip
      When Ben <does> it
      Then it is refused with 404 "trip_not_found"

      Examples:
        | does               |
        | reads              |
        | changes            |
        | removes            |
        | scrapes            |
        | reads the prices of |
        | pushes a price for |

  Rule: 3. Prices of a trip are kept, from wherever they come

    @flights-prices
    Scenario: A price that somebody read is kept with the trip
      Given Ada has planned a trip
      When Ada pushes the price 31000
      And Ada pushes the price 30500
      Then the trip has cost 31000, 30500
      And every price of it was typed

    @sites @flights-trip-scrape @flights-prices
    Scenario: A trip is scraped without a watch
      Given Ada has planned a trip
      And the site shows it for 28840
      When Ada scrapes it
      Then it is accepted with a task
      When the worker has looked
      Then the task is completed
      And the trip has cost 28840

    Scenario: An analysis names the extremes
      Given Ada has planned a trip
      And Ada has pushed the prices 31000, 30500 and 33000
      Then the lowest price of a day is 30500
