@internal @games @guilds
Feature: Ratings
  A guild rates its players by a formula of its own, from the playlist states of their trackers. Every fetch updates the
  scores. A leaderboard lists every member once, and only by ranks from played matches.

  Rule: 6. A guild's formula computes a score from every fetch of a member's trackers

    @sites
    Scenario: A guild without a formula of its own uses ascendancy
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      When the worker has run
      Then Ada is listed by score, with a salary to the nearest 25

    @sites
    Scenario: A new fetch updates the score
      Given the guild rates by its own formula "twos"
      And the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has run
      And "Quiet Comet" wins 12 points in playlist 11
      When Ada requests a refresh of "Quiet Comet"
      And the worker has run
      Then the leaderboard by score is: 1 Ada 1055

    @sites
    Scenario: A new formula recomputes the scores of a guild
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has run
      When the guild rates by its own formula "twos + 5"
      Then soon the leaderboard by score is: 1 Ada 1048

    @sites
    Scenario: A player who has not played is not rated
      Given the site knows the player "Quiet Comet", who has not played this season
      And Ada is a member of the guild and follows "Quiet Comet"
      And the guild rates by its own formula "twos + 100"
      When the worker has run
      Then nobody is on the leaderboard by score
      And nobody is on the leaderboard of playlist 11

  Rule: 6a. A leaderboard shows every member once

    @sites
    Scenario: Equal scores share a rank, and the best of several trackers counts
      Given the site knows the player "Quiet Comet" with a rating of 900 in playlist 11
      And the site knows the player "Lintwurm" with a rating of 1200 in playlist 11
      And the site knows the player "Brisk Otter" with a rating of 1200 in playlist 11
      And the site knows the player "Mossy Kettle" with a rating of 1100 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet" and "Lintwurm"
      And Ben is a member of the guild and follows "Brisk Otter"
      And Cleo is a member of the guild and follows "Mossy Kettle"
      When the worker has run
      Then the leaderboard of playlist 11 is: 1 Ada 1200, 1 Ben 1200, 3 Cleo 1100

    @sites
    Scenario: A new member with a fetched tracker is listed soon
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      When Ada becomes a member of the guild
      Then soon the leaderboard of playlist 11 is: 1 Ada 1043

    @sites
    Scenario: A member who leaves is no longer listed
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has run
      When Ada leaves the guild
      Then nobody is on the leaderboard of playlist 11

    @public @users @sites
    Scenario: A member who opts out is not listed
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And Ada is a member of the guild who has logged in
      And the worker has run
      When Ada opts out of the guild's leaderboards
      Then nobody is on the leaderboard of playlist 11
      And nobody is on the leaderboard by score

    @sites
    Scenario: A removed tracker is not listed
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has run
      When the tracker of "Quiet Comet" is removed
      Then nobody is on the leaderboard of playlist 11

    Scenario: The leaderboard of an unknown guild is refused
      When somebody requests the leaderboard of an unknown guild
      Then it is refused with 404 "guild_not_found"

  Rule: 6b. A formula can be tried before a guild uses it

    @public @users
    Scenario Outline: The problem of a formula is shown with its position
      Given Ada runs the guild
      When she tries the formula "<formula>"
      Then the formula is invalid at position <position>

      Examples:
        | formula      | position |
        | twos + !     | 7        |
        | twos + tows  | 7        |
        | (twos        | 5        |
        | __import__   | 0        |
        | twos.real    | 4        |

    @public @users @sites
    Scenario: A preview rates the members by a formula and changes nothing
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And Ada runs the guild
      And the worker has run
      When she previews the formula "twos * 2"
      Then Ada would have a score of 2086 next to the current score

    @public @users
    Scenario: Members who do not run the guild cannot try formulas
      Given Ben is a member of the guild who has logged in
      When he tries the formula "twos"
      Then it is refused with 403 "forbidden"

  Rule: 6c. A thinned rating history keeps its shape

    @sites @own_worker
    Scenario: A long history is thinned and keeps its ends and extremes
      Given the site knows the player "Quiet Comet" with a rating of 1000 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has run
      And the worker has run after each of these changes of "Quiet Comet" in playlist 11: +10, -50, +300, -20, -20, +5
      When the history of "Quiet Comet" in playlist 11 is read with 4 points
      Then the history is 1000, 960, 1260, 1225

  Rule: 6d. A guild decides which manual snapshots its leaderboard counts

    @sites
    Scenario: By default only confirmed manual snapshots count
      Given the site says that the profile is private when asked for "Quiet Comet"
      And Ada is a member of the guild and follows "Quiet Comet"
      When the bot enters that "Quiet Comet" has 1100 in playlist 11 in season "20"
      Then nobody is on the leaderboard of playlist 11
      And the snapshot waits for review
      When the guild's staff confirm it
      Then the leaderboard of playlist 11 is: 1 Ada 1100
      And the first on the leaderboard of playlist 11 is marked as manual

    @sites
    Scenario: A rejected manual snapshot does not count
      Given the guild counts all manual snapshots
      And the site says that the profile is private when asked for "Quiet Comet"
      And Ada is a member of the guild and follows "Quiet Comet"
      When the bot enters that "Quiet Comet" has 1100 in playlist 11 in season "20"
      Then the leaderboard of playlist 11 is: 1 Ada 1100
      When the guild's staff reject it
      Then nobody is on the leaderboard of playlist 11

    @sites
    Scenario: A guild can count no manual snapshots
      Given the guild counts no manual snapshots
      And the site says that the profile is private when asked for "Quiet Comet"
      And Ada is a member of the guild and follows "Quiet Comet"
      When the bot enters that "Quiet Comet" has 1100 in playlist 11 in season "20"
      And the guild's staff confirm it
      Then it is refused with 409 "manual_snapshots_not_counted"
      And nobody is on the leaderboard of playlist 11
