@internal @guilds
Feature: Guilds
  A bot is in guilds (Discord servers). It reports the guilds, their members and their admins to the service. The admins
  of a guild change its settings and see its members; other members see only the guild.

  Rule: 1. A bot reports the guilds that it is in, any number of times

    Scenario: An unknown guild is created
      When the bot puts the guild "Comet Club"
      Then the guild is called "Comet Club"
      And it has the default settings

    Scenario: A guild that the bot reports again is the same guild
      Given the bot has put the guild "Comet Club"
      When the bot puts it again as "Comet Society"
      Then the guild is called "Comet Society"
      And its creation time is unchanged

    Scenario: Putting a guild without settings keeps its settings
      Given the bot has put the guild "Comet Club"
      And the bot has put it with the settings {"tracker_processing": false}
      When the bot puts it again as "Comet Society"
      Then its setting tracker_processing is false

    Scenario: Putting a guild with settings replaces all settings
      Given the bot has put the guild "Comet Club"
      And the bot has put it with the settings {"tracker_processing": false}
      When the bot puts it with the settings {"notification_channel_id": "281474976710657001"}
      Then its setting tracker_processing is true
      And its setting notification_channel_id is "281474976710657001"

    Scenario: A guild that is put twenty times at the same moment is created once
      When the bot puts the guild "Comet Club" 20 times at the same moment
      Then every answer is 200
      And all answers have the same creation time

    Scenario: A guild that the bot has left is removed with its memberships
      Given the bot has put the guild "Comet Club"
      And Ada and Ben are in it
      When the bot leaves the guild
      Then the guild no longer exists
      And a guild that the bot later puts with the same id has no members

    Scenario Outline: The id of a guild must be a Discord id
      When the bot puts a guild with the id "<id>"
      Then it is refused with 422 "invalid", and the answer names "guild_id"

      Examples:
        | id                    |
        | comet-club            |
        | 1234567890123456      |
        | 123456789012345678901 |
        | -81384788765712384    |
        | ٨١٣٨٤٧٨٨٧٦٥٧١٢٣٨٤     |

    Scenario Outline: An unknown guild is not found
      When the bot <does> an unknown guild
      Then it is refused with 404 "guild_not_found"

      Examples:
        | does                   |
        | reads                  |
        | leaves                 |
        | reads the members of   |
        | puts members into      |
        | removes members from   |

  Rule: 2. Valid settings of a guild are stored, and invalid settings are refused

    Scenario Outline: Valid settings are stored as given
      Given the bot has put the guild "Comet Club"
      When the bot puts it with the settings {"rating_formula": <formula>}
      Then its rating formula has <known>

      Examples:
        | formula                                                              | known                                                                     |
        | {"kind": "ascendancy"}                                               | {"current_weight": 0.25, "peak_weight": 0.75}                             |
        | {"kind": "ascendancy", "current_weight": 0.5, "peak_weight": 0.5}    | {"current_weight": 0.5, "peak_weight": 0.5}                               |
        | {"kind": "weighted_average"}                                         | {"weights": {"ones": 0.1, "twos": 0.3, "threes": 0.5, "fours": 0.1}}      |
        | {"kind": "peak_mmr", "min_games": {"twos": 10}}                      | {"min_games": {"ones": 50, "twos": 10, "threes": 50, "fours": 50}}        |
        | {"kind": "custom", "expression": "(2 * twos + threesPeak) / 3"}      | {"expression": "(2 * twos + threesPeak) / 3"}                             |

    Scenario Outline: Invalid settings are refused, and the answer says where and why
      Given the bot has put the guild "Comet Club"
      When the bot puts it with the settings <settings>
      Then it is refused with 422 "invalid", and the answer names "<field>"
      And the answer says "<why>"
      And it has the default settings

      Examples:
        | settings                                                                         | field                   | why                                 |
        | {"tracker_procesing": true}                                                      | settings                | unknown field `tracker_procesing`   |
        | {"notification_channel_id": "general"}                                           | notification_channel_id | matching regex                      |
        | {"rating_formula": {"kind": "elo"}}                                              | rating_formula.kind     | Invalid value 'elo'                 |
        | {"rating_formula": {"kind": "ascendancy", "current_weight": 0.5}}                | rating_formula          | must sum to 1                       |
        | {"rating_formula": {"kind": "peak_mmr", "min_games": {"ones": -1}}}              | min_games.ones          | >= 0                                |
        | {"rating_formula": {"kind": "weighted_average", "weights": {"ones": 0, "twos": 0, "threes": 0, "fours": 0}}} | weights | the weights are all 0 |
        | {"rating_formula": {"kind": "custom", "expression": "twos / (ones - ones)"}}     | rating_formula          | it divides by zero                  |
        | {"rating_formula": {"kind": "custom", "expression": "__import__('os')"}}         | rating_formula          | is not allowed in a formula         |

  Rule: 3. A bot reports the members of a guild, many at once

    Scenario: Members are added, updated or left unchanged
      Given the bot has put the guild "Comet Club"
      And Ada and Ben are in it
      When the bot puts Ada as an admin, Ben and Cleo into it
      Then the answer counts 1 added, 1 updated and 1 unchanged
      And Ada, Ben and Cleo are in the guild
      And Ada is its admin

    Scenario: One call adds a thousand people
      Given the bot has put the guild "Comet Club"
      When the bot puts 1000 people into it
      Then the answer counts 1000 added, 0 updated and 0 unchanged

    Scenario: A call with a thousand and one people is refused and adds nobody
      Given the bot has put the guild "Comet Club"
      When the bot puts 1001 people into it
      Then it is refused with 422 "invalid", and the answer names "members"
      And nobody is in the guild

    Scenario: A call that names a person twice is refused and adds nobody, and the answer names the person
      Given the bot has put the guild "Comet Club"
      When the bot puts Ada, Ben and Ada into it
      Then it is refused with 422 "duplicate_member", and the answer names Ada
      And nobody is in the guild

    Scenario: People who left are removed, and people who are not members are not counted
      Given the bot has put the guild "Comet Club"
      And Ada and Ben are in it
      When the bot removes Ben and Cleo from it
      Then the answer counts 1 removed
      And Ada is in the guild

    Scenario: Two calls with the same people at the same moment, in opposite order, both succeed
      Given the bot has put the guild "Comet Club"
      When the bot puts 200 people into it twice at the same moment, in opposite order
      Then every answer is 200
      And 200 people are in the guild

    Scenario: Members can be searched by a part of their username, in pages
      Given the bot has put the guild "Comet Club"
      And 7 people called "racer" are in it
      And Ada and Ben are in it
      Then a search for "RACER" in pages of 3 shows 3, 3 and 1 of 7

  Rule: 4. Admins of a guild change its settings and see its members; other members see only the guild; nobody else does

    Background:
      Given the bot has put the guild "Comet Club"
      And Ada is its admin and Ben is in it
      And Ada, Ben and Cleo can log in

    Scenario: People see the guilds that they are in
      Then Ada sees that she is an admin of "Comet Club"
      And Ben sees that he is a member of "Comet Club"
      And Cleo sees no guilds

    Scenario: An admin changes one setting, and the others stay
      When Ada changes the settings to {"notification_channel_id": "281474976710657001"}
      And Ada changes the settings to {"tracker_processing": false}
      Then its setting notification_channel_id is "281474976710657001"
      And its setting tracker_processing is false

    Scenario: Null resets a setting to its default
      Given Ada has changed the settings to {"tracker_processing": false, "rating_formula": {"kind": "peak_mmr"}}
      When Ada changes the settings to {"tracker_processing": null, "rating_formula": null}
      Then it has the default settings

    Scenario: Other members can neither change a guild nor see its members
      When Ben changes the settings to {"tracker_processing": false}
      Then it is refused with 403 "forbidden"
      And Ben sees the guild, but its members are refused with 403

    Scenario: Everybody else gets 404
      When Cleo changes the settings to {"tracker_processing": false}
      Then it is refused with 404 "guild_not_found"
      And Cleo does not see the guild

    Scenario: A former admin no longer sees the members, and a former member no longer sees the guild
      When the bot puts Ada into it
      And the bot removes Ben from it
      Then Ada sees the guild, but its members are refused with 403
      And Ben does not see the guild
