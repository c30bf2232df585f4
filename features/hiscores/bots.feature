@internal @users @hiscores @sites
Feature: Players for bots
  A bot finds players, follows them for people, and shows a summary of a player.

  Rule: A bot acts for people

    Scenario: A bot follows a player for a person
      Given the hiscores list "Lynx Titan"
      When the bot adds "Lynx Titan" for Cleo
      Then the bot reads "Lynx Titan" as completed
      When the bot takes "Lynx Titan" off Cleo's list
      Then Cleo no longer follows "Lynx Titan"

    Scenario: A card is a summary of a player
      Given the hiscores list "Lynx Titan" with 13034431 experience in Slayer
      And the bot has added "Lynx Titan" for Cleo
      When the bot asks for the card of "Lynx Titan"
      Then the card shows "Lynx Titan" with a combat level, a total level and a skill at 99

    @hiscores-many-stats
    Scenario: A request for several players returns each once and lists missing names
      Given the hiscores list "Lynx Titan"
      And the bot has added "Lynx Titan" for Cleo
      When the bot asks for the stats of "Lynx Titan", "lynx_titan" and "Nobody"
      Then the answer has 1 player, and "Nobody" is missing

    @admin
    Scenario: A key without the scope is refused
      When a bot without the scope asks for "Lynx Titan"
      Then the request is refused with 403 forbidden
