@fencers @public
Feature: Following fencers and clubs
  Members follow fencers and clubs of fencingtracker.com by number or pasted link, and see their registrations.

  @sites
  Rule: Followed fencers and clubs are fetched, and belong to their follower

    Background:
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And "Blake" is registered for the foil event
      And Ada has a login

    @fencers-track
    Scenario Outline: A fencer is followed by <what>
      When Ada follows the fencer "Alex" by <what>
      And the worker runs
      Then Ada sees that "Alex" is registered for the epee event

      Examples:
        | what     |
        | number   |
        | link     |

    @fencers-club
    Scenario: A club is followed by its link, and shows the registrations of all its fencers
      When Ada follows the club "Lakeside" by link
      And the worker runs
      Then Ada sees that "Alex" is registered for the epee event
      And Ada sees that "Blake" is registered for the foil event

    @fencers-own
    Scenario: Other members can neither read nor remove it
      Given Ben has a login
      When Ada follows the fencer "Alex" by number
      Then Ben can neither read nor remove it

    @fencers-once @fencers-deactivate
    Scenario: A fencer is followed only once, and following again reactivates
      When Ada follows the fencer "Alex" by number
      And Ada follows the fencer "Alex" by link
      Then it is refused with 409 "already_tracked"
      When Ada deactivates it
      And Ada follows the fencer "Alex" by link
      Then Ada follows 1 fencer

  Rule: Invalid fencers, clubs and weapons are refused

    Background:
      Given Ada has a login

    @fencers-bad-number
    Scenario Outline: <given> is not a fencer
      When Ada pastes "<given>" as a fencer
      Then it is refused with 422 "bad_reference"

      Examples:
        | given                              |
        | Alex                               |
        | https://example.org/p/100000001/x  |
        | https://fencingtracker.com/club/7/x |
        | -5                                 |

    @fencers-weapons
    Scenario: The answer names an unknown weapon
      When Ada pastes "100000001" as a fencer, with the weapons "epee, lance"
      Then it is refused with 422 "unknown_weapon"
      And the answer names "lance"

  @sites @fencers-weapons
  Rule: Weapon filters apply to clubs and fencers

    Background:
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And "Alex" is registered for the saber event
      And "Blake" is registered for the foil event
      And Ada has a login

    Scenario Outline: A club has the weapon filter <weapons>
      When Ada follows the club "Lakeside" with the weapons "<weapons>"
      And the worker runs
      Then Ada sees <count> registrations

      Examples:
        | weapons           | count |
        | épée              | 1     |
        | Sabre, FOIL       | 2     |
        | epee, foil, saber | 3     |

    Scenario: A fencer has a weapon filter
      When Ada follows the fencer "Alex" with the weapons "saber"
      And the worker runs
      Then Ada sees 1 registration

    @fencers-update
    Scenario: A weapon filter can be changed later
      Given Ada has followed the fencer "Alex"
      And the worker has run
      Then Ada sees 2 registrations
      When Ada changes its weapons to "saber"
      Then Ada sees 1 registration
