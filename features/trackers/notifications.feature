@public @games @users
Feature: Notifications of game trackers
  Members who follow a game account get messages about its changes: the old value, the new value and the difference.
  They choose the channels and how the messages arrive. Bots read all events in order, as often as they like.

  @sites @receiver
  Rule: 8. Members get messages about changes

    Background:
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And Ada has a login
      And Ada has a webhook

    Scenario: A message shows the difference, and is signed as documented
      Given "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And the message is signed with Ada's secret and no other
      And Ada's deliveries show that it was sent

    Scenario: A loss is shown as a negative difference
      Given "Quiet Comet" loses 9 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,195 (-9)" about "Quiet Comet"

    Scenario: A fetch without changes sends no message
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      And Ada sends a test message
      Then Ada gets the test message only

    Scenario: Every follower of the account gets one message
      Given Ben has registered "Quiet Comet"
      And Ben has a login
      And Ben has a webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And Ben gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"

    Scenario: A former follower gets no message
      Given Ben has registered "Quiet Comet"
      And Ben has a login
      And Ben has a webhook
      And Ben has removed "Quiet Comet"
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And Ben gets no message

    @internal @guilds
    Scenario: A guild gets messages about its members
      Given Ada is in the guild, which Cleo runs
      And the guild has a webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And the guild gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"

    @own_worker @rule-4
    Scenario: A missing account is reported when three fetches have not found it
      Given the site says that there is no such player when asked for "Quiet Comet"
      When Ada requests 4 refreshes of "Quiet Comet" in a row
      Then Ada gets "The site has no such account any more. If it was renamed" about "Quiet Comet"

  @sites @receiver
  Rule: 8a. A channel is used after its verification, and a failing channel stops no other

    Background:
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And Ada has a login

    Scenario: An endpoint that does not answer the challenge gets no message
      Given Ada has a webhook
      And Ada has added a webhook that does not answer the challenge
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And the unverified webhook gets no message

    Scenario: A failing webhook does not stop another, and shows its error
      Given Ada has another webhook, which fails
      And Ada has a webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And the other webhook's deliveries show the failure and the next attempt

    @own_worker
    Scenario: A failed message arrives later with the same id
      Given Ada has another webhook, which fails
      And "Quiet Comet" wins 47 points in playlist 11
      And Ada has requested a refresh of "Quiet Comet"
      And the worker has run
      When the other webhook works again
      And 5 minutes pass
      Then the other webhook has received one message twice, with the same id

    Scenario: A removed channel gets no message
      Given Ada has another webhook, which fails
      And Ada has a webhook
      And Ada has removed the other webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"
      And the other webhook gets no message

    Scenario Outline: Only the owner <does> a channel
      Given Ada has a webhook
      And Ben has a login
      When Ben <does> Ada's webhook
      Then it is refused with 404 "channel_not_found"

      Examples:
        | does    |
        | reads   |
        | tests   |
        | removes |

    Scenario Outline: A webhook cannot have the address <address>
      When Ada adds the webhook "<address>"
      Then it is refused with 422 "bad_channel_address"

      Examples:
        | address                           |
        | file:///etc/passwd                |
        | https://me:secret@example.org/    |
        | https://example.org:99999/        |
        | ftp://example.org/                |

  @sites @receiver
  Rule: 8b. Members choose their messages

    Background:
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And the site knows the player "Lintwurm" with a rating of 900 in playlist 11
      And Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has run
      And Ada has a login
      And Ada has a webhook

    Scenario: No messages about one tracker
      Given Ada wants no messages about "Lintwurm"
      And "Quiet Comet" wins 47 points in playlist 11
      And "Lintwurm" wins 30 points in playlist 11
      When Ada requests a refresh of "Lintwurm"
      And the worker has run
      And Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"

    Scenario: Messages about one tracker only
      Given Ada wants no messages, except instant ones about "Quiet Comet"
      And "Quiet Comet" wins 47 points in playlist 11
      And "Lintwurm" wins 30 points in playlist 11
      When Ada requests a refresh of "Lintwurm"
      And the worker has run
      And Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"

    Scenario: No messages at all
      Given Ada wants no messages
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      And Ada sends a test message
      Then Ada gets the test message only

    @own_worker
    Scenario: Gathered changes of ten minutes arrive as one message
      Given Ada wants gathered messages
      And "Quiet Comet" wins 47 points in playlist 11
      And "Lintwurm" wins 30 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And Ada requests a refresh of "Lintwurm"
      And the worker has run
      Then Ada gets no message
      When 11 minutes pass
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" and "2v2 900 -> 930 (+30)" in one message

    @own_worker
    Scenario: Messages wait until quiet hours are over
      Given Ada's quiet hours begin now and last 2 hours
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then Ada gets no message
      When 180 minutes pass
      Then Ada gets "2v2 1,204 -> 1,251 (+47)" about "Quiet Comet"

    Scenario: A preference for an unknown event is refused
      When Ada sets a preference for the event "no.such_event"
      Then it is refused with 422 "unknown_event"

  @internal @events
  Rule: 8c. Bots read all events, in order and without gaps

    Background:
      Given the bot has read all events

    Scenario: A bot reads one event at a time, with a cursor
      When Ada registers "Quiet Comet" and "Lintwurm"
      Then the bot reads the new events tracker.registered of "Quiet Comet", tracker.registered of "Lintwurm"

    Scenario: Events come in the order of the actions
      Given Ada has a login
      When Ada registers "Quiet Comet"
      And Ada deactivates "Quiet Comet"
      And Ada activates "Quiet Comet"
      And Ada removes "Quiet Comet"
      Then the bot reads the new events tracker.registered, tracker.updated, tracker.updated, tracker.removed

    @sites
    Scenario: The event of a change contains the old and the new value
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then the bot reads that "Quiet Comet" went from 1204 to 1251 in playlist 11

    Scenario: A refused request creates no event
      When Ada adds "Quiet Comet" 5 times at the same moment
      Then the bot reads the new event tracker.registered of "Quiet Comet"

    Scenario: A stream continues after the last event that the bot received
      Given the bot listens
      When Ada registers "Quiet Comet"
      Then the bot receives tracker.registered of "Quiet Comet" and stops listening
      When Ben registers "Lintwurm"
      And the bot listens again, after the last event that it received
      Then the bot receives tracker.registered of "Lintwurm"

    @admin @guilds
    Scenario: A bot with a key for one guild gets the events of its members only
      Given Ada is in the guild
      When Ada registers "Quiet Comet"
      And Ben registers "Lintwurm"
      Then a bot with a key for this guild reads tracker.registered of "Quiet Comet" and nothing else

    @admin
    Scenario: A key without the scope for events is refused
      When a bot whose key has only the scope "trackers" reads the events
      Then it is refused with 403 "forbidden"
