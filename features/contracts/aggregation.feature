@contracts @sites @own_worker
Feature: Fetching public contracts
  The game's own API lists the public contracts of a region in pages of one generation. A region is fetched whenever the
  API has a newer state, the items of a contract are read once, and only a complete sweep ends contracts.

  Rule: 1. Only a complete sweep of a region ends contracts

    @contracts-regions
    Scenario: All contracts on offer are found
      Given a market of 120 contracts
      When the worker runs
      Then 120 contracts are on offer
      And the coverage of the region is complete

    @contracts-schedule
    Scenario: A contract that was bought is gone, and its history shows it
      Given a market of 60 contracts
      And the worker has run
      When a player buys a contract
      And the worker runs half an hour later
      Then 59 contracts are on offer
      And the history of that contract ends with "gone"

    Scenario: A missing page makes the region incomplete, and no contract is gone
      Given a market of 120 contracts
      And the worker has run
      When a player buys a contract
      And the third page is missing
      And the worker runs half an hour later
      Then 120 contracts are on offer
      And the coverage of the region is incomplete

    Scenario: A market that is suddenly empty is believed the second time
      Given a market of 60 contracts
      And the worker has run
      When the API lists no contracts
      And the worker runs half an hour later
      Then 60 contracts are on offer
      And the coverage of the region is incomplete
      When the API lists no contracts
      And the worker runs half an hour later
      Then 0 contracts are on offer
      And the coverage of the region is complete

    Scenario: A sweep starts over if the generation changes in between
      Given a market of 120 contracts
      And a new generation appears after the second page
      When the worker runs
      Then 120 contracts are on offer
      And the coverage of the region is complete

    @contracts-bad-row
    Scenario: A bad contract does not affect the others, and admins can see it
      Given a market of 60 contracts
      And the API sends one of them without a type
      When the worker runs
      Then 59 contracts are on offer
      And the admin finds that contract in the list of rejected contracts

    @contracts-region-fails @contracts-after-failure
    Scenario: A region that fails does not affect the others, and is fetched when it answers again
      Given a market of 60 contracts
      And a second region with 20 contracts
      And the second region does not answer
      When the worker runs
      Then 60 contracts are on offer
      And the last run was "partial"
      When the second region answers again
      And the worker runs half an hour later
      Then 80 contracts are on offer
      And the last run was "completed"

    @contracts-update
    Scenario: A changed contract stays the same contract
      Given a market of 0 contracts
      And a "Ship 000" for 5,000,000 ISK
      And the worker has run
      When its price decreases to 4,000,000 ISK
      And the worker runs half an hour later
      Then 1 contract is on offer, for 4,000,000 ISK
      And the last run changed 1 contract and found no new contracts

  Rule: 2. Requests keep to the rules of the API

    @contracts-schedule
    Scenario: Pages are not requested again before the API has a newer state
      Given a market of 60 contracts
      And the worker has run
      When the admin requests a run
      And the worker runs
      Then each page of the region was requested once

    @contracts-unchanged
    Scenario: Unchanged pages are not sent again
      Given a market of 60 contracts
      And the worker has run
      When the worker runs half an hour later
      Then the last run read 2 pages, of which 2 were unchanged

    @contracts-errors
    Scenario: Requests stop before the error budget is spent
      Given a market of 0 contracts
      And 60 contracts that end before their items are read
      And the API allows 30 errors per minute
      When the worker runs
      Then the API never refused a request because of its limits
      And the last run was "partial"

    @contracts-types-refresh
    Scenario: Types are fetched again after a month, a few per run
      Given no type is cached
      And a market of 60 contracts
      And the worker has run
      When the worker runs 31 days later with a limit of 5 types
      Then 5 types were requested again
      And the last run refreshed 5 types

    @contracts-types-fail
    Scenario: A type that cannot be fetched again is not requested in every run
      Given no type is cached
      And a market of 0 contracts
      And a "Ship 007" for 5,000,000 ISK
      And the worker has run
      And the API fails for the type of "Ship 007"
      When the worker runs 31 days later with a limit of 5 types
      Then the last run failed to refresh 1 type
      When the worker runs half an hour later
      Then the last run failed to refresh 0 types

  Rule: 3. There is one run at a time, and every run is recorded

    @contracts-one-run
    Scenario: No run begins while another run is in progress
      Given a market of 120 contracts
      And the API is slow
      When a first worker has begun a run
      And a second region with 20 contracts appears, and a second worker starts
      And both workers have finished
      And the worker runs half an hour later
      Then 140 contracts are on offer
      And the second region was requested after the first one was read
      And no two runs overlapped

    @contracts-summary
    Scenario: Admins see the result of a run
      Given a market of 60 contracts
      When the admin requests a run
      And the worker runs
      Then the task of the region is "completed"
      And the last run was "completed"
      And the last run found 60 new contracts
      And the last run has an id, a start and an end, and counts types, requests and answers
