@public
Feature: Health
  Monitoring can check without a login whether the service is alive, and whether it is ready to answer requests.

  @hiscores-health
  Rule: Everybody can check the health of the service

    Scenario: The service is alive
      When somebody checks whether the service is alive
      Then the check succeeds

    Scenario: The service is ready, with all parts that it needs
      When somebody checks whether the service is ready
      Then the check succeeds
      And the database and Redis are healthy, each with its response time
