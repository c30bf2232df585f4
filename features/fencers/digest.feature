@fencers @public
Feature: Digests
  One mail a day, or a week, with what is new.

  @sites
  Rule: Every registration is told exactly once

    Background:
      Given the site knows the club "Lakeside" with the fencers "Alex" and "Blake"
      And "Alex" is registered for the epee event
      And Ada has a login

    @fencers-digest-once
    Scenario: Under its club, with a note, when the fencer is tracked too
      Given Ada has followed the club "Lakeside"
      And Ada has followed the fencer "Alex"
      When the worker has looked
      Then Ada's digest tells 1 thing
      And under the club "Lakeside" it tells of "Alex" with the note "also a tracked fencer"

    @fencers-digest-section
    Scenario: Under "Tracked fencers" when no club covers it
      Given Ada has followed the fencer "Alex"
      When the worker has looked
      Then Ada's digest tells 1 thing
      And under "Tracked fencers" it tells of "Alex" without a note

    @fencers-digest-weapons
    Scenario: It is kept when any tracking that matches it lets its weapon through
      Given Ada has followed the club "Lakeside" with the weapons "foil"
      And Ada has followed the fencer "Alex" with the weapons "epee"
      When the worker has looked
      Then Ada's digest tells 1 thing
      And under "Tracked fencers" it tells of "Alex" without a note

    @fencers-digest-weapons
    Scenario: It is left out when none does
      Given Ada has followed the club "Lakeside" with the weapons "foil"
      And Ada has followed the fencer "Alex" with the weapons "saber"
      When the worker has looked
      Then Ada's digest tells nothing

    @own_worker
    Scenario: A withdrawal is told
      Given Ada has followed the club "Lakeside"
      And "Blake" is registered for the foil event
      And the worker has looked
      When "Blake" withdraws from the foil event
      And the worker looks again
      Then under the club "Lakeside" it tells of "Blake" as gone

    @own_worker
    Scenario: A new day is told
      Given Ada has followed the fencer "Alex"
      And the worker has looked
      When the epee event moves by a day
      And the worker looks again
      Then Ada's digest tells 1 thing
      And it names the new day of the epee event

  Rule: Digests come to a mailbox of one's own

    Scenario: Without a verified mailbox there is none
      Given Ada has a login
      When Ada asks for a daily digest
      Then it is refused with 409 "no_mailbox"

    Scenario: A link that is not ours ends nobody's digests
      When somebody uses an invented link to end digests
      Then it is refused with 404 "bad_unsubscribe_link"
