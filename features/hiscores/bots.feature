@internal @users @hiscores @sites
Feature: Players for bots
  A bot looks players up, follows them for its people, and shows them at a glance.

  Rule: What a bot does for its people is theirs

    Scenario: A bot follows for somebody
      Given the hiscores know "Lynx Titan"
      When the bot adds "Lynx Titan" for Cleo
      Then the bot reads "Lynx Titan" as completed
      When the bot takes "Lynx Titan" off Cleo's list
      Then Cleo follows "Lynx Titan" no longer

    Scenario: A card tells a player at a glance
      Given the hiscores know "Lynx Titan" with 13034431 experience in Slayer
      And the bot has added "Lynx Titan" for Cleo
      When the bot asks for the card of "Lynx Titan"
      Then it shows "Lynx Titan" with a combat level, a total level and a skill at 99

    @hiscores-many-stats
    Scenario: Many at once, each once, and who is missing
      Given the hiscores know "Lynx Titan"
      And the bot has added "Lynx Titan" for Cleo
      When the bot asks for the stats of "Lynx Titan", "lynx_titan" and "Nobody"
      Then it gets 1 player, and "Nobody" is missing

    @admin
    Scenario: A key without the scope
      When a bot without the scope asks for "Lynx Titan"
      Then it is refused with 403 forbidden
