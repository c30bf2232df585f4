@fencers @public @sites @own_worker
Feature: Looking at fencers' and clubs' pages
  The site is asked slowly, clubs first; what fails rests; one switch stops the asking for fencers.

  Rule: The pace is kept, whoever asks

    @fencers-pace
    Scenario: No two requests leave closer than the delay less the jitter
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      When Ada follows the fencer "Alex" by number
      And Ada follows the fencer "Blake" by number
      And Ada follows the club "Lakeside" by number
      And 2 workers look at a delay of 0.4 seconds with a jitter of 0.3
      Then no two requests left closer than 0.1 seconds

    @fencers-clubs-first
    Scenario: A club's page is fetched before a fencer's, whoever came first
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      When Ada follows the fencer "Alex" by number
      And Ada follows the fencer "Blake" by number
      And Ada follows the club "Lakeside" by number
      And 2 workers look at a delay of 2 seconds with a jitter of 0
      Then the club's page was asked for before any fencer's

  Rule: A page is fetched again in its interval, and tells only what is new

    @fencers-refresh @fencers-unchanged
    Scenario: Nothing has changed
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the worker has looked
      When the worker looks 1 time
      Then the page of "Alex" was asked for twice
      And the history of "Alex" has 1 entry

    @fencers-refresh
    Scenario: Something has changed
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the worker has looked
      And "Alex" is registered for the saber event
      When the worker looks 1 time
      Then the history of "Alex" has 2 entries

  Rule: A page that keeps failing rests

    @fencers-retry
    Scenario Outline: A page that could not be fetched is tried again by itself: <reason>
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the page of "Alex" is <reason>, once
      When the worker looks 1 time
      Then the latest look at "Alex" failed with "<reason>"
      When the worker keeps looking until "Alex" is read
      Then the latest look at "Alex" succeeded

      Examples:
        | reason      |
        | throttled   |
        | unavailable |

    @fencers-cooldown @fencers-outcomes @fencers-backoff
    Scenario: After three failures it rests for the cooldown, and an admin may end it
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the page of "Alex" has changed its layout
      When the worker looks 3 times
      Then "Alex" rests for 1 hour after 3 failures
      When the worker looks 1 time
      Then "Alex" rests for 2 hours after 4 failures
      When the page of "Alex" is as it was
      And the admin ends the rest of "Alex"
      And the worker has looked
      Then the latest look at "Alex" succeeded

    Scenario Outline: <what> keeps what was known
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the worker has looked
      And <what> stands before the site
      When the worker looks 1 time
      Then the latest look at "Alex" failed with "<reason>"
      And Ada sees that "Alex" is registered for the epee event

      Examples:
        | what      | reason         |
        | a login   | login_required |
        | a rebuild | page_changed   |

  @fencers-switch
  Rule: One switch stops the asking for fencers

    Scenario Outline: With <switch> no fencer's page is asked for
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And Ada has followed the club "Lakeside"
      When the worker looks with <switch>
      Then no fencer's page was asked for
      And the club's page was asked for

      Examples:
        | switch                       |
        | FENCER_SCRAPE_ENABLED=false  |
        | FENCER_SCRAPE_DELAY_SEC=0    |
