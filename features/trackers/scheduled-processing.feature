@internal @games
Feature: Scheduled processing
  A bot has the trackers of a guild's members processed: now, at a time, or repeatedly. A schedule starts once, with any
  number of workers, and reports its results at the end. A guild can switch processing off; the accounts of its members
  are then skipped, which is not a failure.

  Background:
    Given the bot has registered the guild "Comet Club" with Ada and Ben

  @rule-4
  Rule: 4. The trackers of a guild's members are processed when the bot requests it

    @sites
    Scenario: The accounts of all members are processed, each once, and no others
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And Ben has registered "Lintwurm"
      And Cleo has registered "Brisk Otter"
      And the worker has run
      When the bot requests processing of the guild
      Then 2 accounts are boosted and 0 skipped

    Scenario: An unknown guild cannot be processed
      When the bot requests processing of an unknown guild
      Then it is refused with 404 "guild_not_found"

    @sites @own_worker @trap-off-as-failed
    Scenario: Trackers of a guild that switched processing off are skipped, not failed
      Given Ada has registered "Quiet Comet"
      And the worker has run
      And the guild has switched processing off
      When the worker has run two days later
      Then the tracker of "Quiet Comet" is skipped
      And the site was asked for "Quiet Comet" once
      When the bot requests processing of the guild
      Then 0 accounts are boosted and 1 skipped

    @sites @own_worker @trap-off-as-failed
    Scenario: Trackers that failed before are skipped, not failed
      Given the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And the worker has run
      When the guild switches processing off
      Then the tracker of "Quiet Comet" is skipped

    @sites @own_worker
    Scenario: Trackers are fetched again when processing is switched on again
      Given Ada has registered "Quiet Comet"
      And the worker has run
      And the guild has switched processing off
      And the guild has switched processing on
      When the worker has run two days later
      Then the tracker of "Quiet Comet" is completed
      And the site was asked for "Quiet Comet" twice

    @sites @own_worker
    Scenario: An account with a follower outside the guild is still fetched
      Given Ada has registered "Quiet Comet"
      And Cleo has registered "Quiet Comet"
      And the guild has switched processing off
      When the worker has run
      Then the site was asked for "Quiet Comet" once

  @rule-6
  Rule: 6. Processing can be scheduled, and cancelled before it starts

    @sites
    Scenario: Processing starts at its time and reports its results
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has run
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED
      And its report counts 2 accounts, 0 of them failed

    @sites
    Scenario: Failed runs are in the report
      Given the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has run
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED
      And its report counts 2 accounts, 1 of them failed
      And its report names the failure not_found

    @sites @own_worker @trap-schedule-twice
    Scenario: Two workers start a schedule once
      Given Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has run
      And two workers run
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED
      And the site was asked for "Quiet Comet" twice
      And the site was asked for "Lintwurm" twice

    @sites @own_worker @trap-missed-schedule
    Scenario: A schedule that is due while no worker runs starts late
      Given Ada has registered "Quiet Comet"
      And processing is scheduled in 1 second
      And its time has passed without a worker
      When another worker runs
      Then the schedule is COMPLETED
      And its report counts 1 account, 0 of them failed

    @sites @own_worker @trap-missed-schedule
    Scenario: A schedule that is due too long ago is missed and does not stay PENDING
      Given Ada has registered "Quiet Comet"
      And the worker has run
      And processing is scheduled in 1 second
      And its time has passed without a worker
      When a worker with a short grace period runs
      Then the schedule is FAILED: missed
      And the site was asked for "Quiet Comet" once

    @own_worker @trap-off-as-failed
    Scenario: A schedule of a guild that switched processing off skips everything, and is not FAILED
      Given Ada has registered "Quiet Comet"
      And the guild has switched processing off
      And processing is scheduled in 1 second
      When its time has come
      Then the schedule is COMPLETED: processing_off
      And its report counts 1 account skipped

    @own_worker
    Scenario: A schedule that is cancelled before its time never starts
      Given Ada has registered "Quiet Comet"
      And processing is scheduled in 1 second
      When the bot cancels it
      And its time has come
      Then the schedule is CANCELLED
      And it has never started

    Scenario: A finished schedule cannot be cancelled
      Given processing is scheduled in 1 second
      And its time has come
      When the bot cancels it
      Then it is refused with 409 "schedule_over"

    @own_worker
    Scenario: A schedule in progress cannot be cancelled
      Given the site keeps us waiting when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And another worker runs and waits for the site
      And processing is scheduled in 1 second
      When it has started
      And the bot cancels it
      Then it is refused with 409 "schedule_began"
      And the schedule is PENDING and shows its progress

    Scenario: An unknown schedule cannot be cancelled
      When the bot cancels an unknown schedule
      Then it is refused with 404 "schedule_not_found"

    Scenario: A recurring schedule waits for its next time until it is cancelled
      When processing is scheduled at "0 18 * * MON" in "Europe/Berlin"
      Then the schedule is PENDING
      And its next time is a Monday at 18:00 in "Europe/Berlin"
      When the bot cancels it
      Then the schedule is CANCELLED

    Scenario Outline: An invalid time is refused: <what>
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

    Scenario Outline: The schedules of a guild are filtered: <query>
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

    Scenario: An unknown status is refused
      When the bot lists the schedules with "status=RUNNING"
      Then it is refused with 422 "invalid"
