@fencers @public @sites @own_worker
Feature: Fetching the pages of fencers and clubs
  Requests are slow, and clubs come first. A page that keeps failing gets a cooldown, and one switch disables the
  fetching of fencers.

  Rule: All workers together keep the pace

    @fencers-pace
    Scenario: No two requests are closer than the delay minus the jitter
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      When Ada follows the fencer "Alex" by number
      And Ada follows the fencer "Blake" by number
      And Ada follows the club "Lakeside" by number
      And 2 workers run with a delay of 0.4 seconds and a jitter of 0.3
      Then no two requests were closer than 0.1 seconds

    @fencers-clubs-first
    Scenario: A club's page is fetched before the pages of fencers that were followed earlier
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      When Ada follows the fencer "Alex" by number
      And Ada follows the fencer "Blake" by number
      And Ada follows the club "Lakeside" by number
      And 2 workers run with a delay of 2 seconds and a jitter of 0
      Then the club's page was requested before any fencer's

  Rule: A page is fetched again after its interval, and only changes are recorded

    @fencers-refresh @fencers-unchanged
    Scenario: The page is unchanged
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the worker has run
      When the worker runs 1 time
      Then the page of "Alex" was requested twice
      And the history of "Alex" has 1 entry

    @fencers-refresh
    Scenario: The page has a new registration
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the worker has run
      And "Alex" is registered for the saber event
      When the worker runs 1 time
      Then the history of "Alex" has 2 entries

  Rule: A page that keeps failing gets a cooldown

    @fencers-retry
    Scenario Outline: A failed fetch is retried automatically: <reason>
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the page of "Alex" is <reason> once
      When the worker runs 1 time
      Then the latest fetch of "Alex" failed with "<reason>"
      When the worker runs until "Alex" is fetched
      Then the latest fetch of "Alex" succeeded

      Examples:
        | reason      |
        | throttled   |
        | unavailable |

    @fencers-cooldown @fencers-outcomes @fencers-backoff
    Scenario: A page gets a cooldown after three failures, and an admin can end it
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the page of "Alex" has changed its layout
      When the worker runs 3 times
      Then the cooldown of "Alex" is 1 hour after 3 failures
      When the worker runs 1 time
      Then the cooldown of "Alex" is 2 hours after 4 failures
      When the page of "Alex" has its old layout again
      And the admin ends the cooldown of "Alex"
      And the worker runs
      Then the latest fetch of "Alex" succeeded

    Scenario Outline: Stored registrations stay while the site shows <what>
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the worker has run
      And the site shows <what>
      When the worker runs 1 time
      Then the latest fetch of "Alex" failed with "<reason>"
      And Ada sees that "Alex" is registered for the epee event

      Examples:
        | what         | reason         |
        | a login page | login_required |
        | a new layout | page_changed   |

  @fencers-switch
  Rule: One switch disables the fetching of fencers

    Scenario Outline: With <switch> no fencer's page is requested
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And Ada has followed the club "Lakeside"
      When the worker runs with <switch>
      Then no fencer's page was requested
      And the club's page was requested

      Examples:
        | switch                       |
        | FENCER_SCRAPE_ENABLED=false  |
        | FENCER_SCRAPE_DELAY_SEC=0    |
