@public @users @hiscores @sites
Feature: Gains of players
  Every change is recorded. The gain between two moments is the difference between the last records before them.

  Background:
    Given the hiscores list "Lynx Titan" with 1000000 experience in Slayer
    And Ada has a login
    And Ada has added "Lynx Titan"

  Rule: Changes are recorded, except changes of rank alone

    Scenario: A change of rank alone is not recorded
      When the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" has 1 record of 2 fetches

    @hiscores-skill-progress @hiscores-boss-progress
    Scenario: Gains in a skill and at a boss are recorded
      Given "Lynx Titan" gains 4000 experience in Slayer and 3 kills of Vorkath
      When the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" has 2 records of 2 fetches
      And "Lynx Titan" gained 4000 in slayer and 3 in vorkath
      And the timeline of the skill slayer of "Lynx Titan" ends with 1000000 at level 73 and 1004000 at level 73
      And the timeline of the boss vorkath of "Lynx Titan" has grown by 3

    @hiscores-skill-progress
    Scenario: A gain of a level is shown
      Given "Lynx Titan" gains 100000 experience in Slayer and 1 kill of Vorkath
      When the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" went from level 73 to level 74 in slayer

    @hiscores-progress
    Scenario: Only gains between the two dates count
      Given "Lynx Titan" gains 4000 experience in Slayer and 3 kills of Vorkath
      When the worker has fetched "Lynx Titan" again
      Then from an hour before it was added until now "Lynx Titan" gained 4000 in slayer
      And from two days until one day before it was added "Lynx Titan" has no gains

    @hiscores-bad-answer
    Scenario: An unreadable answer fails the task and changes no figure
      Given the hiscores answer with an unreadable body
      When the worker has fetched "Lynx Titan" again
      Then the task has failed with page_changed
      And "Lynx Titan" is at 1000000 experience and level 73 in Slayer

    @admin @own_service @hiscores-missing-figures
    Scenario: A new boss in the middle of the list does not count as a gain
      Given the game has a new boss "Hollow King" before "Vorkath"
      And "Lynx Titan" has killed "Hollow King" 5 times
      When the worker has fetched "Lynx Titan" again
      Then the gain of "Lynx Titan" in hollow_king is unknown
      And "Lynx Titan" gained 0 in vorkath and 0 in slayer

  Rule: A decrease of a metric that can only grow is flagged

    Scenario: A short decrease does not change gains
      Given "Lynx Titan" decreases to 400000 experience in Slayer
      And the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" is flagged
      Given "Lynx Titan" has 1005000 experience in Slayer again
      When the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" is not flagged
      And "Lynx Titan" gained 5000 in slayer

    Scenario: Gains start again after a lasting decrease
      Given "Lynx Titan" decreases to 400000 experience in Slayer
      And the worker has fetched "Lynx Titan" again
      And the worker has fetched "Lynx Titan" again
      And "Lynx Titan" gains 700 experience in Slayer and 1 kill of Vorkath
      When the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" gained 700 in slayer and 1 in vorkath
      And the history of "Lynx Titan" begins with a reset

  Rule: People see achievements and compare players

    Scenario: A level is an achievement
      Given "Lynx Titan" has 13034000 experience in Slayer again
      And the worker has fetched "Lynx Titan" again
      And "Lynx Titan" gains 500 experience in Slayer and 400 kills of Vorkath
      When the worker has fetched "Lynx Titan" again
      Then "Lynx Titan" has reached "99 Slayer" between two fetches

    Scenario: A comparison lists the larger gain first
      Given the hiscores list "Quiet Lynx" with 5000 experience in Slayer
      And Ada has added "Quiet Lynx"
      And "Quiet Lynx" gains 90000 experience in Slayer and 1 kill of Vorkath
      And "Lynx Titan" gains 10 experience in Slayer and 1 kill of Vorkath
      When the worker has fetched "Lynx Titan" again
      And the worker has fetched "Quiet Lynx" again
      Then the comparison in slayer lists "Quiet Lynx" before "Lynx Titan"

    @hiscores-bad-span @hiscores-errors
    Scenario Outline: A meaningless query is refused
      When Ada reads the history of "Lynx Titan" with "<query>"
      Then the request is refused with 422 <code>

      Examples:
        | query                           | code            |
        | period=fortnight                | impossible_span |
        | start=tomorrow                  | impossible_span |
        | start=2026-03-02&end=2026-03-01 | impossible_span |
        | tz=Mars/Olympus                 | impossible_span |
        | skill=juggling                  | unknown_metric  |

  Rule: A player can have a new name

    @admin
    Scenario: The history continues under the new name
      Given "Lynx Titan" is now called "Quiet Lynx"
      When the admin renames "Lynx Titan" to "Quiet Lynx"
      And "Quiet Lynx" gains 250 experience in Slayer and 1 kill of Vorkath
      And the worker has fetched "Quiet Lynx" again
      Then "Quiet Lynx" gained 250 in slayer and 1 in vorkath
      When Ada reads "Lynx Titan"
      Then the request is refused with 404 player_not_found

    @admin
    Scenario: A later history with less experience belongs to another account
      Given the hiscores list "Quiet Lynx" with 5000 experience in Slayer
      And Ada has added "Quiet Lynx"
      When the admin renames "Lynx Titan" to "Quiet Lynx"
      Then the request is refused with 409 histories_do_not_fit
