@public @users @flights
Feature: Trips
  A person plans a journey and follows its price. A trip is private.

  Background:
    Given Ada and Ben have logins

  Rule: 1. A trip is a possible journey

    Scenario: A trip is planned, changed and removed
      When Ada plans a trip
      Then the trip belongs to Ada and has not departed
      When Ada changes the trip to 2 adults and 1 child
      Then the trip is for 3 travellers
      When Ada removes the trip
      Then Ada has no trips

    Scenario Outline: An impossible journey is refused
      When Ada plans a trip with <what>
      Then the request is refused with 422 "<code>"
      And Ada has no trips

      Examples:
        | what                       | code            |
        | "origin" "QQQ"             | unknown_airport |
        | "departs_on" "2020-01-01"  | impossible_trip |
        | "departs_on" "tomorrow"    | invalid         |
        | "returns_on" "2020-01-01"  | impossible_trip |
        | "infants_on_lap" "2"       | impossible_trip |
        | "adults" "10"              | invalid         |

  Rule: 2. A trip is private to its owner

    Scenario Outline: For other people the trip does not exist
      Given Ada has planned a trip
      When Ben <does> the trip
      Then the request is refused with 404 "trip_not_found"

      Examples:
        | does                |
        | reads               |
        | changes             |
        | removes             |
        | scrapes             |
        | reads the prices of |
        | pushes a price for  |

  Rule: 3. Prices of a trip are stored, whatever their origin

    @flights-prices
    Scenario: A price that a person enters is stored with the trip
      Given Ada has planned a trip
      When Ada pushes the price 31000
      And Ada pushes the price 30500
      Then the prices of the trip are 31000, 30500
      And all its prices were entered by hand

    @sites @flights-trip-scrape @flights-prices
    Scenario: A trip is scraped without a watch
      Given Ada has planned a trip
      And the site shows the price 28840
      When Ada scrapes the trip
      Then the request is accepted with a task
      When the worker has run
      Then the task is completed
      And the prices of the trip are 28840

    Scenario: The analysis of a trip shows its lowest price
      Given Ada has planned a trip
      And Ada has pushed the prices 31000, 30500 and 33000
      Then the lowest daily price is 30500
