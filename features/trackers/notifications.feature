@public @games @users
Feature: Notifications of game trackers
  Whoever follows an account hears what moved in it: as a difference, where and how they want to hear of it. Bots read
  what happened in order, as often as they like.

  @sites @receiver
  Rule: 8. People are told what moved

    Background:
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And Ada has a login
      And Ada has a webhook

    Scenario: A change is told as a difference, signed as the documentation says
      Given "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And the message is signed with Ada's secret, and with no other
      And Ada's log says that it was sent

    Scenario: A loss is told as a loss
      Given "Quiet Comet" loses 9 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,195 (-9)" of "Quiet Comet"

    Scenario: A look that finds nothing new tells nothing
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      And Ada has a test sent
      Then Ada is told of the test only

    Scenario: Whoever follows the account is told, each once
      Given Ben has registered "Quiet Comet"
      And Ben has a login
      And Ben has a webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And Ben is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"

    Scenario: Whoever follows it no more is not told
      Given Ben has registered "Quiet Comet"
      And Ben has a login
      And Ben has a webhook
      And Ben has removed "Quiet Comet"
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And Ben is told nothing

    @internal @guilds
    Scenario: A guild hears of its members
      Given Ada is in the guild, which Cleo runs
      And the guild has a webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And the guild is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"

    @own_worker @rule-4
    Scenario: An account that is gone is told of, once it was looked for three times
      Given the site says that there is no such player when asked for "Quiet Comet"
      When Ada asks for a fresh look at "Quiet Comet", 4 times one after another
      Then Ada is told "The site knows no such account any more. Was it renamed?" of "Quiet Comet"

  @sites @receiver
  Rule: 8a. A channel is used once it has proven itself, and none stops another

    Background:
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And Ada has a login

    Scenario: An endpoint that does not answer the challenge is told nothing
      Given Ada has a webhook
      And Ada has added a webhook that does not answer the challenge
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And the unproven webhook is told nothing

    Scenario: One that fails does not stop another, and says why
      Given Ada has another webhook, which is out of order
      And Ada has a webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And the other webhook's log says that it failed and is tried again

    @own_worker
    Scenario: What failed arrives later under the same id
      Given Ada has another webhook, which is out of order
      And "Quiet Comet" wins 47 points in playlist 11
      And Ada has asked for a fresh look at "Quiet Comet"
      And the worker has looked
      When the other webhook is in order again
      And 5 minutes pass
      Then the other webhook got one message twice, under one id

    Scenario: A channel that was removed is told nothing
      Given Ada has another webhook, which is out of order
      And Ada has a webhook
      And Ada has removed the other webhook
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"
      And the other webhook is told nothing

    Scenario Outline: Nobody but its owner <does> a channel
      Given Ada has a webhook
      And Ben has a login
      When Ben <does> Ada's webhook
      Then it is refused with 404 "channel_not_found"

      Examples:
        | does    |
        | reads   |
        | tests   |
        | removes |

    Scenario Outline: Nothing is sent to <address>
      When Ada adds the webhook "<address>"
      Then it is refused with 422 "bad_channel_address"

      Examples:
        | address                           |
        | file:///etc/passwd                |
        | https://me:secret@example.org/    |
        | https://example.org:99999/        |
        | ftp://example.org/                |

  @sites @receiver
  Rule: 8b. People settle how they hear of what

    Background:
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And the site knows the player "Lintwurm" with a rating of 900 in playlist 11
      And Ada has registered "Quiet Comet" and "Lintwurm"
      And the worker has looked
      And Ada has a login
      And Ada has a webhook

    Scenario: Not at all of one tracker
      Given Ada wants to hear nothing of "Lintwurm"
      And "Quiet Comet" wins 47 points in playlist 11
      And "Lintwurm" wins 30 points in playlist 11
      When Ada asks for a fresh look at "Lintwurm"
      And the worker has looked
      And Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"

    Scenario: Of one tracker only
      Given Ada wants to hear nothing, but at once of "Quiet Comet"
      And "Quiet Comet" wins 47 points in playlist 11
      And "Lintwurm" wins 30 points in playlist 11
      When Ada asks for a fresh look at "Lintwurm"
      And the worker has looked
      And Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"

    Scenario: Not at all
      Given Ada wants to hear nothing
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      And Ada has a test sent
      Then Ada is told of the test only

    @own_worker
    Scenario: Gathered, what moved within ten minutes comes as one message
      Given Ada wants to hear things gathered
      And "Quiet Comet" wins 47 points in playlist 11
      And "Lintwurm" wins 30 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And Ada asks for a fresh look at "Lintwurm"
      And the worker has looked
      Then Ada is told nothing
      When 11 minutes pass
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" and "2v2 900 -> 930 (+30)" in one message

    @own_worker
    Scenario: In quiet hours nothing comes, and after them everything
      Given Ada's quiet hours begin now and last 2 hours
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then Ada is told nothing
      When 180 minutes pass
      Then Ada is told "2v2 1,204 -> 1,251 (+47)" of "Quiet Comet"

    Scenario: An event that there is not cannot be settled
      When Ada settles how she hears of "no.such_event"
      Then it is refused with 422 "unknown_event"

  @internal @events
  Rule: 8c. Bots read what happened, in order and without a gap

    Background:
      Given the bot has read all that happened

    Scenario: By a cursor, one event at a time
      When Ada registers "Quiet Comet" and "Lintwurm"
      Then the bot reads on: tracker.registered of "Quiet Comet", tracker.registered of "Lintwurm"

    Scenario: What people do is told in the order in which they did it
      Given Ada has a login
      When Ada registers "Quiet Comet"
      And Ada deactivates "Quiet Comet"
      And Ada activates "Quiet Comet"
      And Ada removes "Quiet Comet"
      Then the bot reads on: tracker.registered, tracker.updated, tracker.updated, tracker.removed

    @sites
    Scenario: A change tells what it was before, and what it is now
      Given the site knows the player "Quiet Comet" with a rating of 1204 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And "Quiet Comet" wins 47 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then the bot reads that "Quiet Comet" went from 1204 to 1251 in playlist 11

    Scenario: What was refused did not happen
      When Ada adds "Quiet Comet" 5 times at the same moment
      Then the bot reads on: tracker.registered of "Quiet Comet"

    Scenario: As a stream, and on from the last event after a break
      Given the bot listens
      When Ada registers "Quiet Comet"
      Then the bot hears tracker.registered of "Quiet Comet", and listens no more
      When Ben registers "Lintwurm"
      And the bot listens on from the last event it heard
      Then the bot hears tracker.registered of "Lintwurm"

    @admin @guilds
    Scenario: A bot with a key for a guild is told of its members only
      Given Ada is in the guild
      When Ada registers "Quiet Comet"
      And Ben registers "Lintwurm"
      Then a bot that has a key for this guild only reads tracker.registered of "Quiet Comet", and nothing else

    @admin
    Scenario: A key without the scope opens nothing
      When a bot whose key is for trackers only reads what happened
      Then it is refused with 403 "forbidden"
