@public @users @hiscores @sites
Feature: Players of the hiscores
  People add players of Old School RuneScape by name. Each player is fetched at once, and then on schedule.

  Rule: A new player is fetched at once

    @hiscores-add @hiscores-stats
    Scenario: A player on the hiscores is added
      Given the hiscores list "Lynx Titan" with 13034431 experience in Slayer and 25 kills of Vorkath
      And Ada has a login
      When Ada adds "Lynx Titan"
      Then the player is tracked, and the hiscores were asked once
      And "Lynx Titan" is at 13034431 experience and level 99 in Slayer
      And "Lynx Titan" is at 25 kills of Vorkath

    @hiscores-unknown
    Scenario: An unknown player is not added
      Given Ada has a login
      When Ada adds "Nobody"
      Then the request is refused with 404 player_unknown
      And "Nobody" is not tracked

    @hiscores-bad-name @hiscores-errors
    Scenario Outline: An impossible name is refused
      Given Ada has a login
      When Ada adds the name "<name>"
      Then the request is refused with 422 invalid_username
      And the hiscores were not asked

      Examples:
        | name          |
        | aLongUsername |
        | hello$#%      |
        | ___           |

    @hiscores-duplicate @hiscores-errors
    Scenario Outline: A player is tracked once, in whatever spelling
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada adds "Lynx Titan" spelt <how>
      Then the request is refused with 409 already_tracked

      Examples:
        | how              |
        | in small letters |
        | with underscores |
        | with hyphens     |

    @own_worker
    Scenario: While the hiscores are down no player is added
      Given the hiscores list "Lynx Titan"
      And the hiscores are down
      And Ada has a login
      When Ada adds "Lynx Titan"
      Then the request is refused with 503 hiscores_unavailable
      And "Lynx Titan" is not tracked

    @own_worker
    Scenario: While the hiscores are down an unverified player can be added
      Given the hiscores list "Lynx Titan"
      And the hiscores are down
      And Ada has a login
      When Ada adds "Lynx Titan" and accepts an unverified player
      Then the player is tracked, but not verified
      And "Lynx Titan" has no stats yet

    Scenario: Each game mode has its own table
      Given the hiscores list "Lynx Titan" as ironman
      And Ada has a login
      When Ada adds "Lynx Titan"
      Then the request is refused with 404 player_unknown
      When Ada adds "Lynx Titan" as ironman
      Then the player is tracked, and the hiscores were asked once more

  Rule: All users share players, and the person who added a player may change it

    @hiscores-list
    Scenario: Every user lists the tracked players and reads a player by name
      Given the hiscores list "Lynx Titan"
      And Ada and Ben have logins
      And Ada has added "Lynx Titan"
      When Ben lists the players whose names begin with "Lynx Titan"
      Then only "Lynx Titan" is listed
      When Ben reads "lynx_titan"
      Then "Lynx Titan" is shown as completed

    @hiscores-login
    Scenario Outline: Nobody <does> a player without a login
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When somebody without a login <does> "Lynx Titan"
      Then the request is refused with 401 unauthenticated

      Examples:
        | does    |
        | adds    |
        | lists   |
        | reads   |
        | fetches |
        | removes |

    Scenario: Other people follow a player, but cannot change it
      Given the hiscores list "Lynx Titan"
      And Ada and Ben have logins
      And Ada has added "Lynx Titan"
      When Ben follows "Lynx Titan"
      Then "Lynx Titan" is on Ben's list
      When Ben changes the interval of "Lynx Titan" to 900
      Then the request is refused with 403 forbidden
      When Ada changes the interval of "Lynx Titan" to 900
      Then the request succeeds

    @hiscores-remove
    Scenario: A player with other followers cannot be removed
      Given the hiscores list "Lynx Titan"
      And Ada and Ben have logins
      And Ada has added "Lynx Titan"
      And Ben has followed "Lynx Titan"
      When Ada removes "Lynx Titan"
      Then the request is refused with 409 still_followed
      When Ben takes "Lynx Titan" off the list
      And Ada removes "Lynx Titan"
      Then the request succeeds
      And "Lynx Titan" is not tracked

    Scenario Outline: An interval outside the limits is refused
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada changes the interval of "Lynx Titan" to <seconds>
      Then the request is refused with 422 invalid

      Examples:
        | seconds |
        | 899     |
        | 2592001 |

    Scenario: A player cannot move to a game mode with separate progress
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada moves "Lynx Titan" to the game mode seasonal
      Then the request is refused with 409 another_world

  Rule: People can request a fetch

    @hiscores-fetch @hiscores-task
    Scenario: A requested fetch has a task and an estimate
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada requests a fetch of "Lynx Titan"
      Then the answer has a task and an estimate
      When the worker has fetched the players
      Then the task is completed

  @own_worker
  Rule: Players are fetched on schedule, at the pace of the hiscores

    @hiscores-schedule
    Scenario: An active player is fetched on schedule, a deactivated player is not
      Given the hiscores list "Lynx Titan"
      And the hiscores list "Quiet Lynx"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And Ada has added "Quiet Lynx"
      And Ada has deactivated "Quiet Lynx"
      When the worker has run 49 hours later
      Then the hiscores were asked for "Lynx Titan" twice
      And the hiscores were asked for "Quiet Lynx" once

    @hiscores-retry
    Scenario: A failed fetch is repeated automatically
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And the hiscores are down
      When the worker has run 49 hours later
      Then "Lynx Titan" has failed with unavailable and has a next attempt
      When the hiscores are up again
      And the worker has run 98 hours later
      Then "Lynx Titan" is completed

    @hiscores-backoff
    Scenario: A player that is missing from the hiscores is fetched less and less often
      Given the hiscores list "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And "Lynx Titan" is missing from the hiscores
      When the worker has run 49 hours later
      Then "Lynx Titan" has failed with not_found and has a next attempt
      When the worker has run 98 hours later
      Then the wait until the next attempt for "Lynx Titan" is longer than before

    @hiscores-pace
    Scenario: Two workers keep the pace together
      Given the hiscores list "Lynx Titan"
      And the hiscores list "Quiet Lynx"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And Ada has added "Quiet Lynx"
      When Ada requests a fetch of "Lynx Titan"
      And Ada requests a fetch of "Quiet Lynx"
      And 2 workers fetch with a delay of 0.6 seconds and a jitter of 0.1
      Then the requests to the hiscores are at least 0.5 seconds apart
