@public @users @flights @sites @own_worker
Feature: Price alerts
  A watch alerts its owner when the price is at or below the target: once, with other prices to compare, and not after
  every fetch.

  Background:
    Given Ada has a login
    And Ada has planned a trip

  @flights-alert
  Rule: 1. A price at or below the target triggers one alert

    Scenario: The price falls to the target
      Given the site shows the price 31000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 29900
      And the worker has run 7 hours later
      And the worker has run 14 hours later
      Then Ada has the alerts: target 29900

    Scenario: The price is below the target at the first fetch
      Given the site shows the price 25000
      And Ada watches the trip for 30000
      When the worker has run
      Then Ada has the alerts: target 25000

    Scenario: An alert shows other prices to compare
      Given the site shows the price 31000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 29900
      And the worker has run 7 hours later
      Then the last alert shows the previous price 31000 and the lowest price 29900

    Scenario: Two evaluations of the same price make one alert
      Given the site shows the price 29000
      And Ada watches the trip for 30000
      When the worker has run
      And two workers evaluate the watch at the same moment
      Then Ada has the alerts: target 29000

  Rule: 2. While the price stays below the target, only a new low triggers an alert

    Scenario: The price is lower by a step
      Given the site shows the price 29000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 27000
      And the worker has run 7 hours later
      Then Ada has the alerts: target 29000, new_low 27000

    Scenario: The price is lower by less than a step
      Given the site shows the price 29000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 28990
      And the worker has run 7 hours later
      Then Ada has the alerts: target 29000

    Scenario: The price rises above the target and falls below it again
      Given the site shows the price 29000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 33000
      And the worker has run 7 hours later
      And the site shows the price 29500
      And the worker has run 14 hours later
      Then Ada has the alerts: target 29000, target 29500

  @flights-alert
  Rule: 3. The cooldown delays alerts; an alert that still applies is sent when it ends

    Scenario: A lower price within the cooldown triggers an alert when the cooldown ends
      Given the site shows the price 29000
      And Ada watches the trip for 30000 with "alert_cooldown_hours" 20
      And the worker has run
      When the site shows the price 25000
      And the worker has run 7 hours later
      Then Ada has the alerts: target 29000
      When it is 21 hours later
      Then Ada has the alerts: target 29000, new_low 25000

    Scenario: Another target resets the watch
      Given the site shows the price 29000
      And Ada watches the trip for 30000 with "alert_cooldown_hours" 72
      And the worker has run
      When Ada changes the target to 29500
      And it is 1 hours later
      Then Ada has the alerts: target 29000, target 29000

  Rule: 4. Doubtful prices trigger no alert

    Scenario: A failed fetch gives no price
      Given the site shows the price 31000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 20000
      And the site answers with "failed"
      And the worker has run 7 hours later
      Then Ada has no alerts

    Scenario: A second fetch must confirm a price far below the usual price
      Given the site shows the prices of the last 60 days
      And the site shows the price 60000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 1500
      And the worker has run 7 hours later
      Then Ada has no alerts
      When the worker has run 14 hours later
      Then Ada has the alerts: target 1500

    Scenario: Another doubtful price does not confirm the first
      Given the site shows the prices of the last 60 days
      And the site shows the price 60000
      And Ada watches the trip for 30000
      And the worker has run
      When the site shows the price 1500
      And the worker has run 7 hours later
      And the site shows the price 9000
      And the worker has run 14 hours later
      Then Ada has no alerts
