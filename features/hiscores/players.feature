@public @users @hiscores @sites
Feature: Players of the hiscores
  Somebody names a player of Old School RuneScape; the hiscores are asked once, and from then on again and again.

  Rule: Adding a player is the first look at them

    @hiscores-add @hiscores-stats
    Scenario: A player whom the hiscores know
      Given the hiscores know "Lynx Titan" with 13034431 experience in Slayer and 25 of Vorkath
      And Ada has a login
      When Ada adds "Lynx Titan"
      Then the player is tracked, and the hiscores were asked once
      And "Lynx Titan" stands at 13034431 experience and level 99 in Slayer
      And "Lynx Titan" stands at 25 of Vorkath

    @hiscores-unknown
    Scenario: A player whom they do not know
      Given Ada has a login
      When Ada adds "Nobody"
      Then it is refused with 404 player_unknown
      And "Nobody" is not tracked

    @hiscores-bad-name @hiscores-errors
    Scenario Outline: What no player can be called
      Given Ada has a login
      When Ada adds the name "<name>"
      Then it is refused with 422 invalid_username
      And the hiscores were not asked

      Examples:
        | name          |
        | aLongUsername |
        | hello$#%      |
        | ___           |

    @hiscores-duplicate @hiscores-errors
    Scenario Outline: One account is one player, however it is spelt
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada adds "Lynx Titan" spelt <how>
      Then it is refused with 409 already_tracked

      Examples:
        | how              |
        | in small letters |
        | with underscores |
        | with hyphens     |

    @own_worker
    Scenario: While the hiscores cannot be asked nobody is added
      Given the hiscores know "Lynx Titan"
      And the hiscores are out of order
      And Ada has a login
      When Ada adds "Lynx Titan"
      Then it is refused with 503 hiscores_unavailable
      And "Lynx Titan" is not tracked

    @own_worker
    Scenario: Unless it is accepted that the player waits
      Given the hiscores know "Lynx Titan"
      And the hiscores are out of order
      And Ada has a login
      When Ada adds "Lynx Titan" and lets the player wait
      Then the player is tracked, and nobody knows yet whether there is one
      And there are no figures of "Lynx Titan" yet

    Scenario: A mode has its own table
      Given the hiscores know "Lynx Titan" as ironman
      And Ada has a login
      When Ada adds "Lynx Titan"
      Then it is refused with 404 player_unknown
      When Ada adds "Lynx Titan" as ironman
      Then the player is tracked, and the hiscores were asked once more

  Rule: Players are everybody's, and whoever added one may change them

    @hiscores-list
    Scenario: Everybody lists the tracked players, and reads each by its name
      Given the hiscores know "Lynx Titan"
      And Ada and Ben have logins
      And Ada has added "Lynx Titan"
      When Ben lists the players called like "Lynx Titan"
      Then "Lynx Titan" is listed, and nobody else
      When Ben reads "lynx_titan"
      Then "Lynx Titan" is shown as completed

    @hiscores-login
    Scenario Outline: Without a login nobody <does> a player
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When somebody without a login <does> "Lynx Titan"
      Then it is refused with 401 unauthenticated

      Examples:
        | does    |
        | adds    |
        | lists   |
        | reads   |
        | fetches |
        | removes |

    Scenario: Others follow, and may not change
      Given the hiscores know "Lynx Titan"
      And Ada and Ben have logins
      And Ada has added "Lynx Titan"
      When Ben follows "Lynx Titan"
      Then "Lynx Titan" is on Ben's list
      When Ben changes the interval of "Lynx Titan" to 900
      Then it is refused with 403 forbidden
      When Ada changes the interval of "Lynx Titan" to 900
      Then it is done

    @hiscores-remove
    Scenario: A player whom others follow stays
      Given the hiscores know "Lynx Titan"
      And Ada and Ben have logins
      And Ada has added "Lynx Titan"
      And Ben has followed "Lynx Titan"
      When Ada removes "Lynx Titan"
      Then it is refused with 409 still_followed
      When Ben takes "Lynx Titan" off the list
      And Ada removes "Lynx Titan"
      Then it is done
      And "Lynx Titan" is not tracked

    Scenario Outline: An interval has its bounds
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada changes the interval of "Lynx Titan" to <seconds>
      Then it is refused with 422 invalid

      Examples:
        | seconds |
        | 899     |
        | 2592001 |

    Scenario: In a table of another world a player begins anew
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada moves "Lynx Titan" to the table seasonal
      Then it is refused with 409 another_world

  Rule: A look may be asked for

    @hiscores-fetch @hiscores-task
    Scenario: It gives a task and an estimate
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      When Ada asks for a look at "Lynx Titan"
      Then there is a task, and an estimate of when it is done
      When the worker has looked at the players
      Then the task is completed

  @own_worker
  Rule: Players are fetched on schedule, at the pace that the hiscores are given

    @hiscores-schedule
    Scenario: An active player is fetched again by itself, a deactivated one is not
      Given the hiscores know "Lynx Titan"
      And the hiscores know "Quiet Lynx"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And Ada has added "Quiet Lynx"
      And Ada has deactivated "Quiet Lynx"
      When the worker has looked 49 hours later
      Then the hiscores were asked for "Lynx Titan" twice
      And the hiscores were asked for "Quiet Lynx" once

    @hiscores-retry
    Scenario: A failed fetch is tried again by itself
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And the hiscores are out of order
      When the worker has looked 49 hours later
      Then "Lynx Titan" is failed: unavailable, and the next attempt is known
      When the hiscores are in order again
      And the worker has looked 98 hours later
      Then "Lynx Titan" is completed

    @hiscores-backoff
    Scenario: A player who is gone from the hiscores is asked for more and more rarely
      Given the hiscores know "Lynx Titan"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And "Lynx Titan" is gone from the hiscores
      When the worker has looked 49 hours later
      Then "Lynx Titan" is failed: not_found, and the next attempt is known
      When the worker has looked 98 hours later
      Then the next attempt at "Lynx Titan" is further away than before

    @hiscores-pace
    Scenario: Two workers keep the pace together
      Given the hiscores know "Lynx Titan"
      And the hiscores know "Quiet Lynx"
      And Ada has a login
      And Ada has added "Lynx Titan"
      And Ada has added "Quiet Lynx"
      When Ada asks for a look at "Lynx Titan"
      And Ada asks for a look at "Quiet Lynx"
      And 2 workers look at a delay of 0.6 seconds with a jitter of 0.1
      Then no two requests to the hiscores left closer than 0.5 seconds
