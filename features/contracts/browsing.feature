@contracts
Feature: Finding contracts
  Members and bots search what is on offer, by what it is, what it costs and where it is; and see what ships cost, and
  cost those that are gone.

  @sites @own_worker
  Rule: 1. Contracts are found by what is in them

    @contracts-regions @contracts-types
    Scenario: A ship is found by its type, the cheapest first
      Given a market of 60 contracts
      And a "Ship 000" for 5,000,000 ISK
      And a "Ship 000" for 1,000,000 ISK
      And a "Ship 001" for 2,000,000 ISK
      And the worker has looked
      When Ada looks for "Ship 000", the cheapest first
      Then she finds what costs 1,000,000 and 5,000,000 ISK, before anything else

    @contracts-ship @contracts-additional
    Scenario Outline: A contract that sells <what> shows the ship and its details
      Given a market of 0 contracts
      And a contract with <what>
      And the worker has looked
      When Ada looks for "Ship 003", the cheapest first
      Then the ship that she finds has <details>

      Examples:
        | what                     | details                                                                               |
        | a "Ship 003"             | {"quantity": 1, "is_blueprint_copy": false, "contains_additional_items": false}        |
        | 4 of "Ship 003"          | {"quantity": 4, "contains_additional_items": false}                                    |
        | a "Ship 003" and a module | {"quantity": 1, "contains_additional_items": true}                                    |
        | a copy of "Ship 003"     | {"is_blueprint_copy": true, "runs": 5, "material_efficiency": 10, "time_efficiency": 20} |

    @contracts-ship
    Scenario: A contract without a ship is no ship contract
      Given a market of 0 contracts
      And a contract with a module
      And the worker has looked
      Then 1 contract is on offer, and none sells a ship

    @contracts-ship
    Scenario: What is asked for in exchange is not for sale
      Given a market of 0 contracts
      And somebody who wants a "Ship 000"
      And the worker has looked
      When Ada looks for "Ship 000", the cheapest first
      Then she finds nothing

    Scenario: What disappeared tells what a ship costs
      Given a market of 0 contracts
      And a "Ship 000" for 1,000,000 ISK
      And a "Ship 000" for 3,000,000 ISK
      And a "Ship 000" for 9,000,000 ISK
      And the worker has looked
      When the ones for 1,000,000 and 3,000,000 ISK are bought
      And the worker has looked half an hour later
      Then a "Ship 000" is on offer for 9,000,000 ISK and went for 2,000,000 ISK

  Rule: 2. Who may read contracts: whoever is logged in, and bots that may

    @sites @own_worker
    Scenario: Bots see what members see
      Given a market of 60 contracts
      And the worker has looked
      Then the bot finds the same contracts as Ada

    Scenario: Who is not logged in sees nothing
      When somebody without a login looks for contracts
      Then it is refused with 401 "unauthenticated"
