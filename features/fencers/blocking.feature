@fencers @admin
Feature: Blocking fencers
  A fencer has no account here, is often a minor, and can ask the operator not to be tracked. Stored data is deleted and
  does not come back: neither from the page of the fencer nor from the page of a club.

  @sites
  Rule: A blocked fencer is deleted, and never fetched, stored or shown again

    Background:
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And "Blake" is registered for the foil event
      And Ada has a login

    @fencers-blocked
    Scenario: Followers lose a blocked fencer
      Given Ada has followed the fencer "Alex"
      And the worker has run
      When the admin blocks the fencer "Alex"
      Then Ada follows 0 fencers
      And the export of Ada does not name "Alex"

    @fencers-blocked
    Scenario: Nobody can follow a blocked fencer
      When the admin blocks the fencer "Alex"
      And Ada follows the fencer "Alex" by link
      Then it is refused with 403 "blocked"

    @fencers-blocked
    Scenario: The page of a club does not bring back a blocked fencer
      Given Ada has followed the club "Lakeside"
      When the admin blocks the fencer "Alex"
      And the worker runs
      Then Ada sees that "Blake" is registered for the foil event
      And Ada does not see that "Alex" is registered for the epee event

    Scenario: A fencer can be followed again once the block is lifted
      Given the admin has blocked the fencer "Alex"
      When the admin lifts the block
      And Ada follows the fencer "Alex" by number
      And the worker runs
      Then Ada sees that "Alex" is registered for the epee event
