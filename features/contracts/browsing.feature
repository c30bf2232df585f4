@contracts
Feature: Finding contracts
  Members and bots search contracts by contents, price and place, and see the prices of ships on offer and of ships that
  were sold.

  @sites @own_worker
  Rule: 1. Contracts are found by their contents

    @contracts-regions @contracts-types
    Scenario: A ship is found by its type, cheapest first
      Given a market of 60 contracts
      And a "Ship 000" for 5,000,000 ISK
      And a "Ship 000" for 1,000,000 ISK
      And a "Ship 001" for 2,000,000 ISK
      And the worker has run
      When Ada searches for "Ship 000", cheapest first
      Then the first contracts that she finds cost 1,000,000 and 5,000,000 ISK

    @contracts-ship @contracts-additional
    Scenario Outline: A contract that sells <what> shows the ship and its details
      Given a market of 0 contracts
      And a contract with <what>
      And the worker has run
      When Ada searches for "Ship 003", cheapest first
      Then the ship that she finds has <details>

      Examples:
        | what                     | details                                                                               |
        | a "Ship 003"             | {"quantity": 1, "is_blueprint_copy": false, "contains_additional_items": false}        |
        | 4 of "Ship 003"          | {"quantity": 4, "contains_additional_items": false}                                    |
        | a "Ship 003" and a module | {"quantity": 1, "contains_additional_items": true}                                    |
        | a copy of "Ship 003"     | {"is_blueprint_copy": true, "runs": 5, "material_efficiency": 10, "time_efficiency": 20} |

    @contracts-ship
    Scenario: A contract without a ship is not a ship contract
      Given a market of 0 contracts
      And a contract with a module
      And the worker has run
      Then 1 contract is on offer, and none sells a ship

    @contracts-ship
    Scenario: An item that the issuer wants in exchange is not for sale
      Given a market of 0 contracts
      And a contract that wants a "Ship 000" in exchange
      And the worker has run
      When Ada searches for "Ship 000", cheapest first
      Then she finds nothing

    Scenario: Sold contracts show the price of a ship
      Given a market of 0 contracts
      And a "Ship 000" for 1,000,000 ISK
      And a "Ship 000" for 3,000,000 ISK
      And a "Ship 000" for 9,000,000 ISK
      And the worker has run
      When players buy the contracts for 1,000,000 and 3,000,000 ISK
      And the worker runs half an hour later
      Then the median price of a "Ship 000" is 9,000,000 ISK on offer and 2,000,000 ISK sold

  Rule: 2. People with a login and permitted bots can read contracts

    @sites @own_worker
    Scenario: Bots see the same contracts as members
      Given a market of 60 contracts
      And the worker has run
      Then the bot finds the same contracts as Ada

    Scenario: Contracts are not readable without a login
      When a visitor without a login searches for contracts
      Then it is refused with 401 "unauthenticated"
