@fencers @public @sites @own_worker
Feature: Looking at fencers' and clubs' pages
  The site is asked slowly, clubs first; what fails rests; one switch stops the asking for fencers.

  Rule: The pace is kept, whoever asks

    Scenario: No two requests leave closer than the delay less the jitter
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      When Ada follows the fencer "Alex" by number
      And Ada follows the fencer "Blake" by number
      And Ada follows the club "Lakeside" by number
      And 2 workers look at a delay of 0.4 seconds with a jitter of 0.3
      Then no two requests left closer than 0.1 seconds

  Rule: A page that keeps failing rests

    Scenario: After three failures it rests for the cooldown, and an admin may end it
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And Ada has a login
      And Ada has followed the fencer "Alex"
      And the page of "Alex" has changed its layout
      When the worker looks 3 times
      Then "Alex" rests for an hour
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
