@contracts @sites @own_worker @users
Feature: Waiting for contracts
  Who wants to buy something waits for it: for a type or a group of types, up to a price. They are told of each contract
  that offers it once, and only while it can be accepted.

  Rule: 1. A contract is told of once

    Scenario: What one waits for is told when it appears, and not again
      Given a market of 0 contracts
      And Ada waits for "Ship 000" up to 2,000,000 ISK
      When a "Ship 000" is offered for 1,500,000 ISK
      And the worker has looked
      And the worker has looked half an hour later
      Then Ada was told of 1 contract

    Scenario: What costs more is not told of until it costs less
      Given a market of 0 contracts
      And Ada waits for "Ship 000" up to 2,000,000 ISK
      When a "Ship 000" is offered for 3,000,000 ISK
      And the worker has looked
      Then Ada was told of 0 contracts
      When its price falls to 1,900,000 ISK
      And the worker has looked half an hour later
      Then Ada was told of 1 contract

    Scenario: Who switched a watch off is not told
      Given a market of 0 contracts
      And Ada waits for "Ship 000" up to 2,000,000 ISK
      And Ada switches that off
      When a "Ship 000" is offered for 1,500,000 ISK
      And the worker has looked
      Then Ada was told of 0 contracts

  Rule: 2. What is over is never told of

    Scenario: A contract that ran out before it was read
      Given a market of 0 contracts
      And Ada waits for "Ship 000" up to 2,000,000 ISK
      When a "Ship 000" is offered that ran out a minute ago
      And the worker has looked
      Then Ada was told of 0 contracts

  Rule: 3. Watches are one's own

    Scenario: Nobody knows of another's watch
      Given a market of 0 contracts
      And Ada waits for "Ship 000" up to 2,000,000 ISK
      When Ben asks for that watch
      Then it is refused with 404 "watch_not_found"

    Scenario: The same is waited for once
      Given a market of 0 contracts
      And Ada waits for "Ship 000" up to 2,000,000 ISK
      When Ada waits for the same once more
      Then it is refused with 409 "watch_exists"
