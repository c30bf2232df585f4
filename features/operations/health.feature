@public
Feature: Health
  Monitoring asks whether the service is alive and whether it can answer requests, without a login.

  @hiscores-health
  Rule: Everybody may ask how the service is

    Scenario: It is alive
      When somebody asks whether the service is alive
      Then the answer is that it is

    Scenario: It is ready, with every part that it needs
      When somebody asks whether the service is ready
      Then the answer is that it is
      And the database and Redis are well, and each says how long its answer took
