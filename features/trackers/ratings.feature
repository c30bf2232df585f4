@internal @games @guilds
Feature: Ratings
  A league rates its players by a formula of its own, over what their trackers saw. Scores are kept with every look;
  leaderboards show everybody once, and nobody by a rank that they did not play for.

  Rule: 6. A guild's formula makes a score of every look at a member's trackers

    @sites
    Scenario: Without a formula of its own a guild rates by ascendancy
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      When the worker has looked
      Then Ada is listed by score, with a salary to the nearest 25

    @sites
    Scenario: A new look makes a new score
      Given the guild rates by its own formula "twos"
      And the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has looked
      And "Quiet Comet" wins 12 points in playlist 11
      When Ada asks for a fresh look at "Quiet Comet"
      And the worker has looked
      Then the leaderboard by score is: 1 Ada 1055

    @sites
    Scenario: A guild that chooses another formula is rated anew
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has looked
      When the guild rates by its own formula "twos + 5"
      Then soon the leaderboard by score is: 1 Ada 1048

    @sites
    Scenario: A player who has not played is not rated
      Given the site knows the player "Quiet Comet", who has not played this season
      And Ada is a member of the guild and follows "Quiet Comet"
      And the guild rates by its own formula "twos + 100"
      When the worker has looked
      Then nobody is on the leaderboard by score
      And nobody is on the leaderboard of playlist 11

  Rule: 6a. A leaderboard shows every member once

    @sites
    Scenario: Equals share a rank, and the best of several trackers counts
      Given the site knows the player "Quiet Comet" with a rating of 900 in playlist 11
      And the site knows the player "Lintwurm" with a rating of 1200 in playlist 11
      And the site knows the player "Brisk Otter" with a rating of 1200 in playlist 11
      And the site knows the player "Mossy Kettle" with a rating of 1100 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet" and "Lintwurm"
      And Ben is a member of the guild and follows "Brisk Otter"
      And Cleo is a member of the guild and follows "Mossy Kettle"
      When the worker has looked
      Then the leaderboard of playlist 11 is: 1 Ada 1200, 1 Ben 1200, 3 Cleo 1100

    @sites
    Scenario: Whoever joins with a tracker that was looked at before is listed soon
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      When Ada becomes a member of the guild
      Then soon the leaderboard of playlist 11 is: 1 Ada 1043

    @sites
    Scenario: Whoever leaves is no longer listed
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has looked
      When Ada leaves the guild
      Then nobody is on the leaderboard of playlist 11

    @public @users @sites
    Scenario: A member who does not want to be listed is left out
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And Ada is a member of the guild who has logged in
      And the worker has looked
      When Ada opts out of the guild's leaderboards
      Then nobody is on the leaderboard of playlist 11
      And nobody is on the leaderboard by score

    @sites
    Scenario: A tracker that was removed is left out
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And the worker has looked
      When the tracker of "Quiet Comet" is removed
      Then nobody is on the leaderboard of playlist 11

    Scenario: The leaderboard of a guild that is not there
      When somebody asks for the leaderboard of a guild that is not there
      Then it is refused with 404 "guild_not_found"

  Rule: 6b. A formula is tried before it is settled

    @public @users
    Scenario Outline: What is wrong with a formula is told, and where
      Given Ada runs the guild
      When she tries the formula "<formula>"
      Then it is no formula, because of what stands at <position>

      Examples:
        | formula      | position |
        | twos + !     | 7        |
        | twos + tows  | 7        |
        | (twos        | 5        |
        | __import__   | 0        |
        | twos.real    | 4        |

    @public @users @sites
    Scenario: A formula is tried on the members, and nothing changes
      Given the site knows the player "Quiet Comet" with a rating of 1043 in playlist 11
      And Ada is a member of the guild and follows "Quiet Comet"
      And Ada runs the guild
      And the worker has looked
      When she previews the formula "twos * 2"
      Then Ada would have a score of 2086 beside that of today

    @public @users
    Scenario: Members who do not run the guild try nothing
      Given Ben is a member of the guild who has logged in
      When he tries the formula "twos"
      Then it is refused with 403 "forbidden"

  Rule: 6c. How a rating moved is shown without losing its shape

    @sites @own_worker
    Scenario: A long history is made shorter and keeps its ends and extremes
      Given the site knows the player "Quiet Comet" with a rating of 1000 in playlist 11
      And Ada has registered "Quiet Comet"
      And the worker has looked
      And the worker has looked after each of these moves of "Quiet Comet" in playlist 11: +10, -50, +300, -20, -20, +5
      When the history of "Quiet Comet" in playlist 11 is read with 4 points
      Then it goes 1000, 960, 1260, 1225

  Rule: 6d. A guild decides which manual snapshots its leaderboard counts

    @sites
    Scenario: By default those that its staff confirmed
      Given the site says that the profile is private when asked for "Quiet Comet"
      And Ada is a member of the guild and follows "Quiet Comet"
      When the bot enters that "Quiet Comet" has 1100 in playlist 11 in season "20"
      Then nobody is on the leaderboard of playlist 11
      And it waits for the guild's staff
      When the guild's staff confirm it
      Then the leaderboard of playlist 11 is: 1 Ada 1100
      And the first on the leaderboard of playlist 11 is marked as manual

    @sites
    Scenario: What the staff rejected does not count
      Given the guild counts all manual snapshots
      And the site says that the profile is private when asked for "Quiet Comet"
      And Ada is a member of the guild and follows "Quiet Comet"
      When the bot enters that "Quiet Comet" has 1100 in playlist 11 in season "20"
      Then the leaderboard of playlist 11 is: 1 Ada 1100
      When the guild's staff reject it
      Then nobody is on the leaderboard of playlist 11

    @sites
    Scenario: A guild may count none
      Given the guild counts no manual snapshots
      And the site says that the profile is private when asked for "Quiet Comet"
      And Ada is a member of the guild and follows "Quiet Comet"
      When the bot enters that "Quiet Comet" has 1100 in playlist 11 in season "20"
      And the guild's staff confirm it
      Then it is refused with 409 "manual_snapshots_not_counted"
      And nobody is on the leaderboard of playlist 11
