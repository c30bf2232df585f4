@contracts @sites @own_worker
Feature: Looking at public contracts
  The game's own API lists the public contracts of a region in pages of one generation. They are looked at as often as
  the API has a newer state, their items are read once, and what is said of them is never more than was seen.

  Rule: 1. A region is seen whole, or nothing is said to be missing from it

    Scenario: Everything on offer is found
      Given a market of 120 contracts
      When the worker has looked
      Then 120 contracts are on offer
      And the region is covered whole

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

    Scenario: One bad contract harms no other and is shown to the admin
      Given a market of 60 contracts
      And one of them is sent without a type
      When the worker has looked
      Then 59 contracts are on offer
      And the admin finds that contract among the rejected

  Rule: 2. The API is asked as it wants to be asked

    Scenario: Nothing is asked again before there is something newer
      Given a market of 60 contracts
      And the worker has looked
      When the admin asks for a run
      And the worker has looked
      Then the pages of the region were asked for once

    Scenario: Pages that did not change are not sent again
      Given a market of 60 contracts
      And the worker has looked
      When the worker has looked half an hour later
      Then the last run had 2 pages, of which 2 had not changed

    Scenario: Before the error budget is spent everybody stops
      Given a market of 0 contracts
      And 60 contracts that end before their items are read
      And the API allows 30 errors a minute
      When the worker has looked
      Then the API never had to refuse us
      And the last run was "partial"

  Rule: 3. Runs are kept, one at a time

    Scenario: An admin sees what a run did
      Given a market of 60 contracts
      When the admin asks for a run
      And the worker has looked
      Then the task of the region is "completed"
      And the last run was "completed"
      And the last run found 60 new contracts
