@public @users @flights @sites @own_worker
Feature: Price alerts
  Who watches is told when a price is at or below the target: once, with what it stands beside, and not at every check.

  Background:
    Given Ada has a login
    And Ada has planned a trip

  @flights-alert
  Rule: 1. A price that comes to the target is told once

    Scenario: It falls to the target
      Given the site shows it for 31000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 29900
      And the worker has looked 7 hours later
      And the worker has looked 14 hours later
      Then Ada was told: target 29900

    Scenario: It is below at the first look
      Given the site shows it for 25000
      And Ada watches it for 30000
      When the worker has looked
      Then Ada was told: target 25000

    Scenario: An alert says what it stands beside
      Given the site shows it for 31000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 29900
      And the worker has looked 7 hours later
      Then the last alert names the price before, 31000, and the lowest, 29900

    Scenario: A look that is recorded twice tells once
      Given the site shows it for 29000
      And Ada watches it for 30000
      When the worker has looked
      And two workers evaluate at the same moment
      Then Ada was told: target 29000

  Rule: 2. While it stays below, only another low is news

    Scenario: Lower by a step
      Given the site shows it for 29000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 27000
      And the worker has looked 7 hours later
      Then Ada was told: target 29000, new_low 27000

    Scenario: Lower by less
      Given the site shows it for 29000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 28990
      And the worker has looked 7 hours later
      Then Ada was told: target 29000

    Scenario: Above and below again
      Given the site shows it for 29000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 33000
      And the worker has looked 7 hours later
      And the site shows it for 29500
      And the worker has looked 14 hours later
      Then Ada was told: target 29000, target 29500

  @flights-alert
  Rule: 3. The cooldown holds back, and forgets nothing that is still true

    Scenario: A lower price within the cooldown is told when it ends
      Given the site shows it for 29000
      And Ada watches it for 30000 with "alert_cooldown_hours" 20
      And the worker has looked
      When the site shows it for 25000
      And the worker has looked 7 hours later
      Then Ada was told: target 29000
      When it is 21 hours later
      Then Ada was told: target 29000, new_low 25000

    Scenario: Another target begins anew
      Given the site shows it for 29000
      And Ada watches it for 30000 with "alert_cooldown_hours" 72
      And the worker has looked
      When Ada changes the target to 29500
      And it is 1 hours later
      Then Ada was told: target 29000, target 29000

  Rule: 4. What is odd is not told

    Scenario: A failed look is no price
      Given the site shows it for 31000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 20000
      And the site shows it as failed
      And the worker has looked 7 hours later
      Then Ada was told nothing

    Scenario: A price far below the usual waits for a second look
      Given the site knows the prices of the last 60 days
      And the site shows it for 60000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 1500
      And the worker has looked 7 hours later
      Then Ada was told nothing
      When the worker has looked 14 hours later
      Then Ada was told: target 1500

    Scenario: Another odd price does not confirm it
      Given the site knows the prices of the last 60 days
      And the site shows it for 60000
      And Ada watches it for 30000
      And the worker has looked
      When the site shows it for 1500
      And the worker has looked 7 hours later
      And the site shows it for 9000
      And the worker has looked 14 hours later
      Then Ada was told nothing
