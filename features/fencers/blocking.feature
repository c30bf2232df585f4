@fencers @admin
Feature: People who ask to be left alone
  A fencer has no account here, is often a minor, and can ask the operator not to be tracked. What is stored goes, and
  nothing comes back: neither from the fencer's own page nor from the page of a club.

  @sites
  Rule: Who is blocked is deleted, and neither fetched, stored nor shown again

    Background:
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And "Blake" is registered for the foil event
      And Ada has a login

    @fencers-blocked
    Scenario: Followers lose a blocked fencer
      Given Ada has followed the fencer "Alex"
      And the worker has looked
      When the admin blocks the fencer "Alex"
      Then Ada follows 0 fencers
      And the export of Ada does not name "Alex"

    @fencers-blocked
    Scenario: Nobody follows a blocked fencer
      When the admin blocks the fencer "Alex"
      And Ada follows the fencer "Alex" by link
      Then it is refused with 403 "blocked"

    @fencers-blocked
    Scenario: The page of a club brings no blocked fencer back
      Given Ada has followed the club "Lakeside"
      When the admin blocks the fencer "Alex"
      And the worker has looked
      Then Ada sees that "Blake" is registered for the foil event
      And Ada does not see that "Alex" is registered for the epee event

    Scenario: Once the block is lifted, the fencer can be followed again
      Given the admin has blocked the fencer "Alex"
      When the admin lifts the block
      And Ada follows the fencer "Alex" by number
      And the worker has looked
      Then Ada sees that "Alex" is registered for the epee event
