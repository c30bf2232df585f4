@fencers @public
Feature: Digests
  Members can get a daily or weekly mail with all updates.

  @sites
  Rule: A digest lists every registration exactly once

    Background:
      Given the site has the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login

    @fencers-digest-once
    Scenario: A registration is listed under the club, with a note if you track the fencer, too
      Given Ada has followed the club "Lakeside"
      And Ada has followed the fencer "Alex"
      When the worker runs
      Then Ada's digest has 1 entry
      And the section of the club "Lakeside" lists "Alex" with the note "also a tracked fencer"

    @fencers-digest-section
    Scenario: A registration is listed under "Tracked fencers" if you follow no club of the fencer
      Given Ada has followed the fencer "Alex"
      When the worker runs
      Then Ada's digest has 1 entry
      And the section "Tracked fencers" lists "Alex" without a note

    @fencers-digest-weapons
    Scenario: A registration is listed if at least one weapon filter that applies to it includes its weapon
      Given Ada has followed the club "Lakeside" with the weapons "foil"
      And Ada has followed the fencer "Alex" with the weapons "epee"
      When the worker runs
      Then Ada's digest has 1 entry
      And the section "Tracked fencers" lists "Alex" without a note

    @fencers-digest-weapons
    Scenario: A registration is left out if no weapon filter that applies to it includes its weapon
      Given Ada has followed the club "Lakeside" with the weapons "foil"
      And Ada has followed the fencer "Alex" with the weapons "saber"
      When the worker runs
      Then Ada's digest has no entries

    @own_worker
    Scenario: A digest lists a withdrawal
      Given Ada has followed the club "Lakeside"
      And "Blake" is registered for the foil event
      And the worker has run
      When "Blake" withdraws from the foil event
      And the worker runs again
      Then the section of the club "Lakeside" lists "Blake" as gone

    @own_worker
    Scenario: A digest lists a new date
      Given Ada has followed the fencer "Alex"
      And the worker has run
      When the epee event is moved by a day
      And the worker runs again
      Then Ada's digest has 1 entry
      And the entry has the new date of the epee event

  Rule: Digests are sent to a verified mailbox

    Scenario: A digest without a verified mailbox is refused
      Given Ada has a login
      When Ada asks for a daily digest
      Then it is refused with 409 "no_mailbox"

    Scenario: An invalid unsubscribe link is refused
      When a visitor uses an invented unsubscribe link
      Then it is refused with 404 "bad_unsubscribe_link"
