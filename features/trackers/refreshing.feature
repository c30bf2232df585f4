@public @games @users
Feature: Refreshing game trackers
  Followers of an account can have it fetched at once. Several requests join the same run. After a fetch the account has a
  cooldown of ten minutes, unless staff force a refresh.

  @rule-4
  Rule: 4d. A tracker is fetched when its owner requests it

    @sites @own_worker
    Scenario: Another request while the run is pending gets the same task
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada refreshes "Quiet Comet"
      Then all requests got the same task
      When the worker has run
      Then the site was asked for "Quiet Comet" once

    @sites @own_worker @trap-queued-twice
    Scenario: Twenty requests at the same moment get one run
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When Ada refreshes "Quiet Comet" 20 times at the same moment
      Then the 20 answers have the same task
      When the worker has run
      Then the site was asked for "Quiet Comet" once

    @sites
    Scenario: A request during the cooldown is refused with the time to wait
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"
      And the answer says to try again within 10 minutes
      And the site was asked for "Quiet Comet" once

    @sites
    Scenario: A failed fetch also starts the cooldown
      Given the site says that there is no such player when asked for "Quiet Comet"
      And Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When Ada refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"

    @sites
    Scenario: Followers of the same account share its cooldown
      Given Ada has registered "Quiet Comet"
      And the worker has run
      And Ben has registered "Quiet Comet"
      And Ben has a login
      And the worker has run
      When Ben refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"

    @sites @internal
    Scenario: The bot has the same cooldown, and staff can force a refresh
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And "Quiet Comet" wins 12 points in playlist 11
      When the bot refreshes "Quiet Comet"
      Then it is refused with 429 "refresh_cooldown"
      When the bot refreshes "Quiet Comet" for staff
      And the worker has run
      Then the task of "Quiet Comet" is completed and found something new
      And "Quiet Comet" has a rating of 1055 in playlist 11

    @sites @own_worker
    Scenario: Other requests join a run that staff forced
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And the worker has run
      When the bot refreshes "Quiet Comet" for staff
      And Ada refreshes "Quiet Comet"
      Then Ada gets the task of the bot's refresh

    Scenario: A deactivated tracker cannot be refreshed
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      And Ada has deactivated "Quiet Comet"
      When Ada refreshes "Quiet Comet"
      Then it is refused with 409 "tracker_inactive"

    Scenario: An unknown tracker cannot be refreshed
      Given Ada has a login
      When Ada refreshes a tracker that does not exist
      Then it is refused with 404 "tracker_not_found"

    @sites
    Scenario: The task shows the status of the run
      Given Ada has a login
      When Ada herself registers "Quiet Comet"
      Then every new tracker is waiting for its first run and has a task
      When the worker has run
      Then the task of "Quiet Comet" is completed and found something new

    @sites @own_worker @trap-swallowed-error
    Scenario: A forced run that fails is retried automatically
      Given Ada has registered "Quiet Comet"
      And the worker has run
      And the site answers 503, once, when asked for "Quiet Comet"
      And the bot has refreshed "Quiet Comet" for staff
      And the worker has run
      When the worker has run two days later
      Then the tracker of "Quiet Comet" is completed

  @rule-5
  Rule: 5. Only the owner can refresh a tracker

    Scenario: Another person cannot refresh a tracker
      Given Ada has registered "Quiet Comet"
      And Ben has a login
      When Ben refreshes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

    @guilds
    Scenario: A guild admin cannot refresh a member's tracker
      Given Ada has registered "Quiet Comet"
      And Cleo has a login
      And Ada is in the guild, which Cleo runs
      When Cleo refreshes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

    Scenario: A follower of the same account can refresh only their own tracker
      Given Ada has registered "Quiet Comet"
      And Ben has registered "Quiet Comet"
      And Ben has a login
      When Ben refreshes Ada's "Quiet Comet"
      Then it is refused with 403 "forbidden"

    @admin @own_worker
    Scenario: An admin can refresh a person's tracker
      Given Ada has registered "Quiet Comet"
      And Ada has a login
      When the admin refreshes Ada's "Quiet Comet"
      Then the refresh is accepted

    Scenario: Trackers cannot be refreshed without a login
      Given Ada has registered "Quiet Comet"
      When somebody without a login refreshes "Quiet Comet"
      Then it is refused with 401 "unauthenticated"
