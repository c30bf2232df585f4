@contracts @sites @own_worker
Feature: Looking at public contracts
  The game's own API lists the public contracts of a region in pages of one generation. They are looked at as often as
  the API has a newer state, their items are read once, and what is said of them is never more than was seen.

  Rule: 1. A region is seen whole, or nothing is said to be missing from it

    @contracts-regions
    Scenario: Everything on offer is found
      Given a market of 120 contracts
      When the worker has looked
      Then 120 contracts are on offer
      And the region is covered whole

    @contracts-schedule
    Scenario: What was bought is gone, and its history says so
      Given a market of 60 contracts
      And the worker has looked
      When somebody buys a contract
      And the worker has looked half an hour later
      Then 59 contracts are on offer
      And the history of that contract ends with "gone"

    Scenario: A page that is not there makes the region incomplete, and nothing is gone
      Given a market of 120 contracts
      And the worker has looked
      When somebody buys a contract
      And the third page is not there
      And the worker has looked half an hour later
      Then 120 contracts are on offer
      And the region is not covered whole

    Scenario: A market that is empty all at once is believed the second time
      Given a market of 60 contracts
      And the worker has looked
      When the API lists nothing
      And the worker has looked half an hour later
      Then 60 contracts are on offer
      And the region is not covered whole
      When the API lists nothing
      And the worker has looked half an hour later
      Then 0 contracts are on offer
      And the region is covered whole

    Scenario: A generation that turns over in the middle is looked at anew
      Given a market of 120 contracts
      And a new generation appears after the second page
      When the worker has looked
      Then 120 contracts are on offer
      And the region is covered whole

    @contracts-bad-row
    Scenario: One bad contract harms no other and is shown to the admin
      Given a market of 60 contracts
      And one of them is sent without a type
      When the worker has looked
      Then 59 contracts are on offer
      And the admin finds that contract among the rejected

    @contracts-region-fails @contracts-after-failure
    Scenario: A region that does not answer leaves the others alone, and is read when it answers again
      Given a market of 60 contracts
      And a second region with 20 contracts
      And the second region does not answer
      When the worker has looked
      Then 60 contracts are on offer
      And the last run was "partial"
      When the second region answers again
      And the worker has looked half an hour later
      Then 80 contracts are on offer
      And the last run was "completed"

    @contracts-update
    Scenario: A contract that changed is the same contract
      Given a market of 0 contracts
      And a "Ship 000" for 5,000,000 ISK
      And the worker has looked
      When its price falls to 4,000,000 ISK
      And the worker has looked half an hour later
      Then 1 contract is on offer, for 4,000,000 ISK
      And the last run changed 1 contract and found no new one

  Rule: 2. The API is asked as it wants to be asked

    @contracts-schedule
    Scenario: Nothing is asked again before there is something newer
      Given a market of 60 contracts
      And the worker has looked
      When the admin asks for a run
      And the worker has looked
      Then the pages of the region were asked for once

    @contracts-unchanged
    Scenario: Pages that did not change are not sent again
      Given a market of 60 contracts
      And the worker has looked
      When the worker has looked half an hour later
      Then the last run had 2 pages, of which 2 had not changed

    @contracts-errors
    Scenario: Before the error budget is spent everybody stops
      Given a market of 0 contracts
      And 60 contracts that end before their items are read
      And the API allows 30 errors a minute
      When the worker has looked
      Then the API never had to refuse us
      And the last run was "partial"

    @contracts-types-refresh
    Scenario: Types are looked up again after a month, a few in each run
      Given no type is known yet
      And a market of 60 contracts
      And the worker has looked
      When the worker has looked 31 days later, allowed to look up 5 types again
      Then 5 types were asked for again
      And the last run looked up 5 types again

    @contracts-types-fail
    Scenario: A type that cannot be looked up again is not asked for in every run
      Given no type is known yet
      And a market of 0 contracts
      And a "Ship 007" for 5,000,000 ISK
      And the worker has looked
      And the API cannot say any more what a "Ship 007" is
      When the worker has looked 31 days later, allowed to look up 5 types again
      Then the last run failed to look up 1 type
      When the worker has looked half an hour later
      Then the last run failed to look up 0 types

  Rule: 3. Runs are kept, one at a time

    @contracts-one-run
    Scenario: While one run is under way no other begins
      Given a market of 120 contracts
      And the API takes its time
      When a first worker has begun to look
      And a second region with 20 contracts appears, which a second worker finds
      And both have finished
      And the worker has looked half an hour later
      Then 140 contracts are on offer
      And the second region was asked for after the first one was read
      And no two runs were under way at the same time

    @contracts-summary
    Scenario: An admin sees what a run did
      Given a market of 60 contracts
      When the admin asks for a run
      And the worker has looked
      Then the task of the region is "completed"
      And the last run was "completed"
      And the last run found 60 new contracts
      And the last run has an id, a beginning and an end, and counts types, requests and answers
