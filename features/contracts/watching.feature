@contracts @sites @own_worker @users
Feature: Watching for contracts
  Members watch for a type or a group of types, up to a price. They are notified once of each contract that matches, and
  only while it can be accepted.

  Rule: 1. There is one notification per contract

    Scenario: A member is notified of a new match once
      Given a market of 0 contracts
      And Ada watches for "Ship 000" up to 2,000,000 ISK
      When a "Ship 000" is offered for 1,500,000 ISK
      And the worker runs
      And the worker runs half an hour later
      Then Ada was notified of 1 contract

    Scenario: A member is not notified of a contract above the limit until its price decreases
      Given a market of 0 contracts
      And Ada watches for "Ship 000" up to 2,000,000 ISK
      When a "Ship 000" is offered for 3,000,000 ISK
      And the worker runs
      Then Ada was notified of 0 contracts
      When its price decreases to 1,900,000 ISK
      And the worker runs half an hour later
      Then Ada was notified of 1 contract

    Scenario: A watch that is switched off does not notify
      Given a market of 0 contracts
      And Ada watches for "Ship 000" up to 2,000,000 ISK
      And Ada switches the watch off
      When a "Ship 000" is offered for 1,500,000 ISK
      And the worker runs
      Then Ada was notified of 0 contracts

  Rule: 2. Members are not notified of contracts that are over

    Scenario: A contract that expired before it was read
      Given a market of 0 contracts
      And Ada watches for "Ship 000" up to 2,000,000 ISK
      When a "Ship 000" is offered that expired a minute ago
      And the worker runs
      Then Ada was notified of 0 contracts

  Rule: 3. Watches are private

    Scenario: A member cannot read the watch of another member
      Given a market of 0 contracts
      And Ada watches for "Ship 000" up to 2,000,000 ISK
      When Ben requests that watch
      Then it is refused with 404 "watch_not_found"

    Scenario: A second watch for the same type is refused
      Given a market of 0 contracts
      And Ada watches for "Ship 000" up to 2,000,000 ISK
      When Ada watches for the same type again
      Then it is refused with 409 "watch_exists"
