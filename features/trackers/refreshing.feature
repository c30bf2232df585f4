@public @games @users
Feature: Refreshing game trackers
  Whoever follows an account may have it looked at now, ahead of the rest. Asked for often, that is one look; after a look
  the site is left alone for ten minutes, unless staff says otherwise.

  @rule-4
  Rule: 4d. A tracker is looked at when its owner asks for it

    @sites @own_worker
    Scenario: While a look waits, asking again gives the same task
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada refreshes "Quiet Comet"
      Then they were all given the same task
      When the worker has looked
      Then the site was asked for "Quiet Comet" once

    @sites @own_worker @trap-queued-twice
    Scenario: Asked for twenty times at the same moment it is one look
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada refreshes "Quiet Comet" 20 times at the same moment
      Then the 20 answers name one task
      When the worker has looked
      Then the site was asked for "Quiet Comet" once

    @sites
    Scenario: After a look it has its cooldown, and is told how long to wait
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"
      And the answer tells to come back within 10 minutes
      And the site was asked for "Quiet Comet" once

    @sites
    Scenario: A look that failed has its cooldown too
      Given the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When Ada refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"

    @sites
    Scenario: Somebody's look is everybody's: it begins their cooldown as well
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      And Ben has registered "Quiet Comet"
      And Ben has a login
      And the worker has looked
      When Ben refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"

    @sites @internal
    Scenario: The bot has the same cooldown, and staff may force a look
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And "Quiet Comet" wins 12 points in playlist 11
      When the bot refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"
      When the bot refreshes "Quiet Comet" for staff
      And the worker has looked
      Then the task of "Quiet Comet" is completed and found something new
      And "Quiet Comet" has a rating of 1055 in playlist 11

    @sites @own_worker
    Scenario: What staff has forced is joined by whoever else asks
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has looked
      When the bot refreshes "Quiet Comet" for staff
      And Ada refreshes "Quiet Comet"
      Then the look that the bot asked for is the one that Ada was given

    Scenario: A deactivated tracker is not looked at
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada refreshes "Quiet Comet"
      Then it is refused with 409 "tracker_inactive"

    Scenario: Nor is one that was never made
      Given Ada has a login
      When Ada refreshes a tracker that was never made
      Then it is refused with 404 "tracker_not_found"

    @sites
    Scenario: The task tells how the look goes
      Given Ada has a login
      When Ada herself registers "Quiet Comet"
      Then every tracker is waiting to be looked at, and has a task that tells how that goes
      When the worker has looked
      Then the task of "Quiet Comet" is completed and found something new

    @sites @own_worker @trap-swallowed-error
    Scenario: A forced look that fails is tried again by itself
      Given Ada has registered "Quiet Comet"
      And the worker has looked
      And the site answers 503, once, when asked for "Quiet Comet"
      And the bot has refreshed "Quiet Comet" for staff
      And the worker has looked
      When the worker has looked two days later
      Then the tracker of "Quiet Comet" is completed

  @rule-5
  Rule: 5. Only its owner has a tracker looked at

    Scenario: Somebody else has not
      Given Ada has registered "Quiet Comet"
      And Ben has a login
      When Ben refreshes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

    @guilds
    Scenario: Not even who runs a guild that the owner is in
      Given Ada has registered "Quiet Comet"
      And Cleo has a login
      And Ada is in the guild, which Cleo runs
      When Cleo refreshes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

    Scenario: Who follows the same account has their own tracker for it
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ben has a login
      When Ben refreshes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

    @admin @own_worker
    Scenario: An admin may
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When the admin refreshes Ada's "Quiet Comet"
      Then the look is under way

    Scenario: Nobody may without a login
      Given Ada has registered "Quiet Comet"
      When somebody without a login refreshes "Quiet Comet"
      Then it is refused with 401 "unauthenticated"
