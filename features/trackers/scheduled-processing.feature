@internal @games
Feature: Scheduled processing
  A bot has the trackers of a guild's members processed: now, at a time, or again and again. What is scheduled begins
  once, however many workers there are, and tells in the end what came of it. A guild can switch processing off; what its
  members follow is then skipped, which is no failure.

  Background:
    Given the bot has put the guild "Comet Club" with Ada and Ben in it

  @rule-4
  Rule: 4. The trackers of a guild's members are processed when the bot asks for it

    @sites
    Scenario: Everybody's trackers, each account once, and nobody else's
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ben has registered "Lintwurm"
      And Cleo has registered "Brisk Otter"
      And the worker has looked
      When the bot has the guild processed
      Then 2 accounts are put ahead and 0 skipped

    Scenario: A guild that there is not is not processed
      When the bot has a guild processed that there is not
      Then it is refused with 404 "guild_not_found"

    @sites @own_worker @trap-off-as-failed
    Scenario: What the guild switched off is skipped, not failed
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      And the guild has switched processing off
      When the worker has looked two days later
      Then the tracker of "Quiet Comet" is skipped
      And the site was asked for "Quiet Comet" once
      When the bot has the guild processed
      Then 0 accounts are put ahead and 1 skipped

    @sites @own_worker @trap-off-as-failed
    Scenario: What failed before is skipped, not failed
      Given the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has looked
      When the guild switches processing off
      Then the tracker of "Quiet Comet" is skipped

    @sites @own_worker
    Scenario: Switched on again, the trackers go on
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      And the guild has switched processing off
      And the guild has switched processing on
      When the worker has looked two days later
      Then the tracker of "Quiet Comet" is completed
      And the site was asked for "Quiet Comet" twice

    @sites @own_worker
    Scenario: An account that somebody outside the guild follows too is fetched
      Given Ada has registered "Quiet Comet"
      And Cleo has registered "Quiet Comet"
      And the guild has switched processing off
      When the worker has looked
      Then the site was asked for "Quiet Comet" once

  @rule-6
  Rule: 6. Processing can be scheduled, and cancelled before it begins

    @sites
    Scenario: Processing begins at its time and tells what came of it
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has looked
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED
      And its report counts 2 accounts, 0 of them failed

    @sites
    Scenario: What fails in it is told in the report
      Given the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has looked
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED
      And its report counts 2 accounts, 1 of them failed
      And its report names the failure not_found

    @sites @own_worker @trap-schedule-twice
    Scenario: Two workers begin it once
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has looked
      And two workers run
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED
      And the site was asked for "Quiet Comet" twice
      And the site was asked for "Lintwurm" twice

    @sites @own_worker @trap-missed-schedule
    Scenario: Due while no worker ran, it begins late
      Given Ada has registered "Quiet Comet"
      And processing is scheduled in 1 second
      And its time has passed, and nobody was there
      When another worker runs
      Then the schedule is COMPLETED
      And its report counts 1 account, 0 of them failed

    @sites @own_worker @trap-missed-schedule
    Scenario: Due too long ago, it was missed, and does not stay PENDING for ever
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      And processing is scheduled in 1 second
      And its time has passed, and nobody was there
      When a worker runs that would not begin so late
      Then the schedule is FAILED: missed
      And the site was asked for "Quiet Comet" once

    @own_worker @trap-off-as-failed
    Scenario: Of a guild that switched processing off everything is skipped, and nothing has FAILED
      Given Ada has registered "Quiet Comet"
      And the guild has switched processing off
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED: processing_off
      And its report counts 1 account skipped

    @own_worker
    Scenario: Cancelled before it begins, it never does
      Given Ada has registered "Quiet Comet"
      And processing is scheduled in 1 second
      When the bot cancels it
      And its time has come
      Then the schedule is CANCELLED
      And it never began

    Scenario: What is over cannot be cancelled
      Given processing is scheduled in 1 second
      And its time has come
      When the bot cancels it
      Then it is refused with 409 "schedule_over"

    @own_worker
    Scenario: What has begun cannot be cancelled
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And another worker runs
      And processing is scheduled in 1 second
      When it has begun
      And the bot cancels it
      Then it is refused with 409 "schedule_began"
      And the schedule is PENDING and tells its progress

    Scenario: A schedule that there is not cannot be cancelled
      When the bot cancels a schedule that there is not
      Then it is refused with 404 "schedule_not_found"

    Scenario: A recurring schedule waits for its next time until it is cancelled
      When processing is scheduled at "0 18 * * MON" in "Europe/Berlin"
      Then the schedule is PENDING
      And its next time is a Monday at 18:00 in "Europe/Berlin"
      When the bot cancels it
      Then the schedule is CANCELLED

    Scenario Outline: A time that cannot come is refused: <what>
      When processing is scheduled with <what>
      Then it is refused with 422 "<code>"

      Examples:
        | what                                         | code             |
        | {"scheduled_at": "2020-01-01T00:00:00Z"}     | invalid_schedule |
        | {"scheduled_at": "2030-01-01T00:00:00"}      | invalid          |
        | {"cron": "every day"}                        | invalid_schedule |
        | {"cron": "0 0 31 2 *"}                       | invalid_schedule |
        | {"cron": "0 18 * * *", "time_zone": "Atlan"} | invalid          |
        | {}                                           | invalid_schedule |

  @rule-7
  Rule: 7. Schedules are filtered by status, and completed ones are included by default

    Scenario Outline: Schedules of a guild: <query>
      Given a schedule that is COMPLETED, one that is CANCELLED and one that is PENDING
      When the bot lists the schedules with "<query>"
      Then it sees <schedules>

      Examples:
        | query                                   | schedules                     |
        |                                         | PENDING, CANCELLED, COMPLETED |
        | includeCompleted=true                   | PENDING, CANCELLED, COMPLETED |
        | includeCompleted=false                  | PENDING, CANCELLED            |
        | status=COMPLETED                        | COMPLETED                     |
        | status=COMPLETED&includeCompleted=false | COMPLETED                     |
        | status=CANCELLED                        | CANCELLED                     |
        | status=PENDING&includeCompleted=false   | PENDING                       |
        | status=FAILED                           | nothing                       |

    Scenario: A status that there is not is refused
      When the bot lists the schedules with "status=RUNNING"
      Then it is refused with 422 "invalid"
