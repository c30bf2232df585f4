@internal @guilds
Feature: Guilds
  A bot lives in guilds (Discord servers). It tells the service which they are, who is in them and who runs them; those
  who run a guild settle how trackers are treated there, and see who is in it. Nobody else knows of it.

  Rule: 1. A bot tells of the guilds that it is in, as often as it likes

    Scenario: A guild that nobody knew is made
      When the bot puts the guild "Comet Club"
      Then the guild is called "Comet Club"
      And it follows every default

    Scenario: A guild that is told of again is the same guild
      Given the bot has put the guild "Comet Club"
      When the bot puts it again as "Comet Society"
      Then the guild is called "Comet Society"
      And it was made when it was made first

    Scenario: Putting a guild without settings keeps those that it has
      Given the bot has put the guild "Comet Club"
      And the bot has put it with the settings {"tracker_processing": false}
      When the bot puts it again as "Comet Society"
      Then its setting tracker_processing is false

    Scenario: Putting a guild with settings replaces them all
      Given the bot has put the guild "Comet Club"
      And the bot has put it with the settings {"tracker_processing": false}
      When the bot puts it with the settings {"notification_channel_id": "281474976710657001"}
      Then its setting tracker_processing is true
      And its setting notification_channel_id is "281474976710657001"

    Scenario: One guild put twenty times at the same moment is one guild
      When the bot puts the guild "Comet Club" 20 times at the same moment
      Then every answer is 200
      And they all tell of the same moment at which it was made

    Scenario: A guild that the bot left is forgotten, with everybody in it
      Given the bot has put the guild "Comet Club"
      And Ada and Ben are in it
      When the bot leaves the guild
      Then there is no such guild any more
      And a guild of that id that the bot puts later is empty

    Scenario Outline: A guild is known by a Discord id
      When the bot puts a guild with the id "<id>"
      Then it is refused with 422 "invalid", and the answer names "guild_id"

      Examples:
        | id                    |
        | comet-club            |
        | 1234567890123456      |
        | 123456789012345678901 |
        | -81384788765712384    |
        | ٨١٣٨٤٧٨٨٧٦٥٧١٢٣٨٤     |

    Scenario Outline: Nobody is told of a guild that there is not
      When the bot <does> a guild that there is not
      Then it is refused with 404 "guild_not_found"

      Examples:
        | does                   |
        | reads                  |
        | leaves                 |
        | reads the members of   |
        | puts members into      |
        | removes members from   |

  Rule: 2. The settings of a guild mean something, or are refused where they do not

    Scenario Outline: Settings that mean something are kept as they were given
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

    Scenario Outline: Settings that mean nothing are refused, and the answer says where and why
      Given the bot has put the guild "Comet Club"
      When the bot puts it with the settings <settings>
      Then it is refused with 422 "invalid", and the answer names "<field>"
      And the answer says "<why>"
      And it follows every default

      Examples:
        | settings                                                                         | field                   | why                                 |
        | {"tracker_procesing": true}                                                      | settings                | unknown field `tracker_procesing`   |
        | {"notification_channel_id": "general"}                                           | notification_channel_id | matching regex                      |
        | {"rating_formula": {"kind": "elo"}}                                              | rating_formula.kind     | Invalid value 'elo'                 |
        | {"rating_formula": {"kind": "ascendancy", "current_weight": 0.5}}                | rating_formula          | must sum to 1                       |
        | {"rating_formula": {"kind": "peak_mmr", "min_games": {"ones": -1}}}              | min_games.ones          | >= 0                                |
        | {"rating_formula": {"kind": "weighted_average", "weights": {"ones": 0, "twos": 0, "threes": 0, "fours": 0}}} | weights | the weights are all 0 |
        | {"rating_formula": {"kind": "custom", "expression": "twos / (ones - ones)"}}     | rating_formula          | it divides by zero                  |
        | {"rating_formula": {"kind": "custom", "expression": "__import__('os')"}}         | rating_formula          | means nothing in a formula          |

  Rule: 3. A bot tells who is in a guild, many at once

    Scenario: People are added, made admins, and left as they are
      Given the bot has put the guild "Comet Club"
      And Ada and Ben are in it
      When the bot puts Ada as an admin, Ben and Cleo into it
      Then 1 was added, 1 updated and 1 left as they were
      And Ada, Ben and Cleo are in the guild
      And Ada runs it

    Scenario: A thousand people come in one call
      Given the bot has put the guild "Comet Club"
      When the bot puts 1000 people into it
      Then 1000 was added, 0 updated and 0 left as they were

    Scenario: A thousand and one are too many, and none of them is kept
      Given the bot has put the guild "Comet Club"
      When the bot puts 1001 people into it
      Then it is refused with 422 "invalid", and the answer names "members"
      And nobody is in the guild

    Scenario: Somebody named twice is refused with everybody else, and the answer says who it was
      Given the bot has put the guild "Comet Club"
      When the bot puts Ada, Ben and Ada into it
      Then it is refused with 422 "duplicate_member", and the answer names Ada
      And nobody is in the guild

    Scenario: Who left is removed, and who never was there is not counted
      Given the bot has put the guild "Comet Club"
      And Ada and Ben are in it
      When the bot removes Ben and Cleo from it
      Then 1 was removed
      And Ada is in the guild

    Scenario: The same people put by two calls at the same moment, in opposite order, are all there
      Given the bot has put the guild "Comet Club"
      When the bot puts 200 people into it twice at the same moment, in opposite order
      Then every answer is 200
      And 200 people are in the guild

    Scenario: Members are found by a part of their name, and come in pages
      Given the bot has put the guild "Comet Club"
      And 7 people called "racer" are in it
      And Ada and Ben are in it
      Then asked for "RACER" in pages of 3, the guild shows 3, 3 and 1 of 7

  Rule: 4. Those who run a guild settle things and see its members; other members only see the guild; nobody else does

    Background:
      Given the bot has put the guild "Comet Club"
      And Ada runs it and Ben is in it
      And Ada, Ben and Cleo can log in

    Scenario: People find the guilds that they are in
      Then Ada is told that she runs "Comet Club"
      And Ben is told that he is in "Comet Club"
      And Cleo is told of no guild

    Scenario: Who runs a guild changes one setting, and the others stay
      When Ada changes the settings to {"notification_channel_id": "281474976710657001"}
      And Ada changes the settings to {"tracker_processing": false}
      Then its setting notification_channel_id is "281474976710657001"
      And its setting tracker_processing is false

    Scenario: Null puts a setting back to its default
      Given Ada has changed the settings to {"tracker_processing": false, "rating_formula": {"kind": "peak_mmr"}}
      When Ada changes the settings to {"tracker_processing": null, "rating_formula": null}
      Then it follows every default

    Scenario: Other members neither change a guild nor see who is in it
      When Ben changes the settings to {"tracker_processing": false}
      Then it is refused with 403 "forbidden"
      And Ben sees the guild, and is refused its members with 403

    Scenario: For everybody else there is no such guild
      When Cleo changes the settings to {"tracker_processing": false}
      Then it is refused with 404 "guild_not_found"
      And Cleo does not see the guild

    Scenario: Who no longer runs a guild can do so no more, and who left it sees it no more
      When the bot puts Ada into it
      And the bot removes Ben from it
      Then Ada sees the guild, and is refused its members with 403
      And Ben does not see the guild
