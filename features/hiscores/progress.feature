@public @users @hiscores @sites
Feature: What players gain
  Every change is kept. Between two moments somebody gained what the last record before the one shows more than the last
  record before the other.

  Background:
    Given the hiscores know "Lynx Titan" with 1000000 experience in Slayer
    And Ada has a login
    And Ada has added "Lynx Titan"

  Rule: What changed is recorded, and ranks alone are no change

    Scenario: Ranks drift
      When the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" has 1 record of 2 looks

    @hiscores-skill-progress @hiscores-boss-progress
    Scenario: Somebody plays
      Given "Lynx Titan" gains 4000 experience in Slayer and 3 of Vorkath
      When the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" has 2 records of 2 looks
      And "Lynx Titan" gained 4000 in slayer and 3 in vorkath
      And the timeline of the skill slayer of "Lynx Titan" ends with 1000000 at level 73 and 1004000 at level 73
      And the timeline of the boss vorkath of "Lynx Titan" has grown by 3

    @hiscores-skill-progress
    Scenario: A level is reached
      Given "Lynx Titan" gains 100000 experience in Slayer and 1 of Vorkath
      When the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" went from level 73 to level 74 in slayer

    @hiscores-progress
    Scenario: Between two dates only what happened between them counts
      Given "Lynx Titan" gains 4000 experience in Slayer and 3 of Vorkath
      When the worker has looked at "Lynx Titan" again
      Then from an hour before it was added until now "Lynx Titan" gained 4000 in slayer
      And from two days before it was added until one day before nobody looked at "Lynx Titan"

    @hiscores-bad-answer
    Scenario: An answer that cannot be read fails the task and changes no figure
      Given the hiscores answer with something else
      When the worker has looked at "Lynx Titan" again
      Then the task is failed: page_changed
      And "Lynx Titan" stands at 1000000 experience and level 73 in Slayer

    @admin @own_service @hiscores-missing-figures
    Scenario: A new boss in the middle of the list is no gain
      Given the game has a new boss "Hollow King" before "Vorkath"
      And "Lynx Titan" has killed "Hollow King" 5 times
      When the worker has looked at "Lynx Titan" again
      Then nobody knows what "Lynx Titan" gained in hollow_king
      And "Lynx Titan" gained 0 in vorkath and 0 in slayer

  Rule: What only grows does not fall

    Scenario: A fall that is gone again leaves gains alone
      Given "Lynx Titan" falls to 400000 experience in Slayer
      And the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" is flagged
      Given "Lynx Titan" has 1005000 experience in Slayer again
      When the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" is not flagged
      And "Lynx Titan" gained 5000 in slayer

    Scenario: A fall that stays begins anew
      Given "Lynx Titan" falls to 400000 experience in Slayer
      And the worker has looked at "Lynx Titan" again
      And the worker has looked at "Lynx Titan" again
      And "Lynx Titan" gains 700 experience in Slayer and 1 of Vorkath
      When the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" gained 700 in slayer and 1 in vorkath
      And the span of "Lynx Titan" begins with a reset

  Rule: People compare, and are told what was reached

    Scenario: A level and a first kill
      Given "Lynx Titan" has 13034000 experience in Slayer again
      And the worker has looked at "Lynx Titan" again
      And "Lynx Titan" gains 500 experience in Slayer and 400 of Vorkath
      When the worker has looked at "Lynx Titan" again
      Then "Lynx Titan" has reached "99 Slayer" between two looks

    Scenario: Beside each other
      Given the hiscores know "Quiet Lynx" with 5000 experience in Slayer
      And Ada has added "Quiet Lynx"
      And "Quiet Lynx" gains 90000 experience in Slayer and 1 of Vorkath
      And "Lynx Titan" gains 10 experience in Slayer and 1 of Vorkath
      When the worker has looked at "Lynx Titan" again
      And the worker has looked at "Quiet Lynx" again
      Then side by side in slayer "Quiet Lynx" leads "Lynx Titan"

    @hiscores-bad-span @hiscores-errors
    Scenario Outline: What means nothing is said so
      When Ada asks what "Lynx Titan" gained with "<query>"
      Then it is refused with 422 <code>

      Examples:
        | query                           | code            |
        | period=fortnight                | impossible_span |
        | start=tomorrow                  | impossible_span |
        | start=2026-03-02&end=2026-03-01 | impossible_span |
        | tz=Mars/Olympus                 | impossible_span |
        | skill=juggling                  | unknown_metric  |

  Rule: A name may change

    @admin
    Scenario: The history goes on under the new name
      Given "Lynx Titan" is called "Quiet Lynx" now
      When the admin renames "Lynx Titan" to "Quiet Lynx"
      And "Quiet Lynx" gains 250 experience in Slayer and 1 of Vorkath
      And the worker has looked at "Quiet Lynx" again
      Then "Quiet Lynx" gained 250 in slayer and 1 in vorkath
      When Ada reads "Lynx Titan"
      Then it is refused with 404 player_not_found

    @admin
    Scenario: Somebody who has less is somebody else
      Given the hiscores know "Quiet Lynx" with 5000 experience in Slayer
      And Ada has added "Quiet Lynx"
      When the admin renames "Lynx Titan" to "Quiet Lynx"
      Then it is refused with 409 histories_do_not_fit
