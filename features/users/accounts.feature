@public @users
Feature: Accounts
  What is kept of a person is theirs: to read, to change, to take away and to delete. A bot knows its people before they
  have a login; a code that it hands over makes the two one. Admins see to accounts and to bots' keys, and can tell who
  did what.

  Rule: 1. A person reads and changes their own account

    Scenario: An account that was just made follows every default
      When Ada registers with the username "ada"
      Then Ada's account has {"username": "ada", "email": null, "role": "user", "active": true, "has_password": true}
      And Ada's account has {"time_zone": "UTC", "locale": "en", "display_name": null, "identities": []}

    Scenario: What is given changes, and what is left out stays
      Given Ada has registered
      And Ada has changed {"display_name": "Ada L.", "locale": "de-AT"}
      When Ada changes {"time_zone": "Europe/Vienna"}
      Then Ada's account has {"display_name": "Ada L.", "locale": "de-AT", "time_zone": "Europe/Vienna"}

    @mailbox
    Scenario: Null empties what can be empty
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ada has changed {"display_name": "Ada L."}
      When Ada changes {"display_name": null, "email": null}
      Then Ada's account has {"display_name": null, "email": null, "username": "ada"}
      And "ada@example.org" logs nobody in

    Scenario: Another username logs in, and the former does no more
      Given Ada has registered with the username "ada"
      When Ada changes {"username": "lovelace"}
      Then Ada can log in as "lovelace"
      And "ada" logs nobody in

    Scenario: A username of somebody else is not available
      Given Ada has registered with the username "ada"
      And Ben has registered
      When Ben changes {"username": "ADA"}
      Then it is refused with 409 "username_taken"
      And Ben's account is as it was

    @mailbox
    Scenario: A new address is confirmed there, and announced at the old one
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      When Ada changes {"email": "lovelace@example.org"}
      Then Ada's account has {"email": "ada@example.org", "unconfirmed_email": "lovelace@example.org"}
      And the mail to "ada@example.org" says "Your e-mail address is about to change"
      When Ada uses the link that was mailed to "lovelace@example.org"
      Then Ada's account has {"email": "lovelace@example.org", "unconfirmed_email": null}
      And Ada can log in as "lovelace@example.org"
      And "ada@example.org" logs nobody in

    @mailbox
    Scenario: The answer to a change does not say whether an address has an account
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ben has registered
      When Ben changes {"email": "ada@example.org"}
      Then Ben's account has {"email": null, "unconfirmed_email": "ada@example.org"}
      And the mail to "ada@example.org" says "You have an account already"

    Scenario Outline: A login does not change without the password
      Given Ada has registered with the username "ada"
      When somebody with Ada's session changes <what>
      Then it is refused with 422 "password_needed"
      And "ada" is still the username of Ada

      Examples:
        | what                              |
        | {"username": "lovelace"}          |
        | {"email": "lovelace@example.org"} |
        | {"email": null}                   |

    Scenario Outline: Time zones and languages that there are, are kept
      Given Ada has registered
      When Ada changes <what>
      Then Ada's account has <what>

      Examples:
        | what                                            |
        | {"time_zone": "Europe/Berlin"}                  |
        | {"time_zone": "America/Argentina/Buenos_Aires"} |
        | {"locale": "de"}                                |
        | {"locale": "pt-BR"}                             |
        | {"locale": "zh-Hant-TW"}                        |
        | {"locale": "es-419"}                            |

    Scenario Outline: What means nothing, or is not a person's to change, changes nothing
      Given Ada has registered
      When Ada changes <what>
      Then it is refused with 422 "invalid"
      And the answer says "<why>"
      And Ada's account is as it was

      Examples:
        | what                                                     | why                      |
        | {"time_zone": "Mars/Olympus"}                            | no time zone             |
        | {"time_zone": "europe/berlin"}                           | no time zone             |
        | {"time_zone": "../../etc/passwd"}                        | no time zone             |
        | {"time_zone": null}                                      | time_zone                |
        | {"locale": "deutsch"}                                    | locale                   |
        | {"locale": "de_AT"}                                      | locale                   |
        | {"display_name": "Ada L.", "email": "nobody"}            | no e-mail address        |
        | {"username": null}                                       | could not log in         |
        | {"role": "admin"}                                        | unknown field `role`     |
        | {"has_password": false}                                  | unknown field            |

  @internal @games
  Rule: 2. A code that the bot hands over proves who its person is

    Scenario: Who registers with the code finds what the bot follows for them
      Given Ada has followed "Lintwurm" and "Quiet Comet" through the bot
      When Ada registers with the bot's code
      Then Ada follows "Lintwurm" and "Quiet Comet"
      And Ada's account is the one that the bot knows
      And the bot is told that Ada has a login

    Scenario: Who has an account already takes over what the bot follows for them
      Given Ada has followed "Lintwurm" through the bot
      And Ada has registered
      When Ada claims the bot's code
      Then Ada follows "Lintwurm"
      And Ada's account is the one that the bot knows

    Scenario: What the bot follows for a person later is theirs, too
      Given Ada has registered
      And Ada has claimed the bot's code
      When Ada follows "Lintwurm" through the bot
      Then Ada follows "Lintwurm"

    Scenario Outline: A code is understood as people type it
      Given Ada has registered
      When Ada claims the bot's code <typed>
      Then Ada's account is the one that the bot knows

      Examples:
        | typed                |
        | in small letters     |
        | with blanks          |
        | without its dash     |

    Scenario: A code works once
      Given Ada and Ben have registered
      And Ada has claimed the bot's code
      When Ben claims the same code
      Then it is refused with 422 "bad_claim_code"

    Scenario: Of six who claim one code at the same moment one gets it
      When 6 people claim Ada's code at the same moment
      Then 1 of the answers is 200
      And the other 5 are 422 "bad_claim_code"

    Scenario: A new code ends the one before
      Given Ada has registered
      And the bot has given Ada a code
      And the bot has given Ada another code
      When Ada claims the first code
      Then it is refused with 422 "bad_claim_code"

    Scenario Outline: A code that nobody gave opens nothing
      Given Ada has registered
      When somebody <does> a code that was made up
      Then it is refused with 422 "bad_claim_code"

      Examples:
        | does           |
        | claims         |
        | registers with |

    Scenario Outline: A person with a login of their own is not taken over
      Given Ada has registered with the bot's code
      And Ben has registered
      And the bot has given Ada a code
      When <who> that code
      Then it is refused with 409 "claim_refused"
      And the bot is told that Ada has a login
      And Ada's account is the one that the bot knows

      Examples:
        | who                 |
        | Ben claims          |
        | Cleo registers with |

    Scenario: What both followed is followed once
      Given Ada has registered with the bot's code
      And Ada has followed "Lintwurm" through the bot
      And Ada's second self has followed "Lintwurm" and "Quiet Comet" through the bot
      When Ada claims the code of her second self
      Then Ada follows "Lintwurm" and "Quiet Comet"

    Scenario: Who is unlinked is somebody new to the bot, and keeps what they follow
      Given Ada has followed "Lintwurm" through the bot
      And Ada has registered with the bot's code
      When Ada unlinks herself from Discord
      Then Ada's account has {"identities": []}
      And Ada follows "Lintwurm"
      And the bot does not know Ada any more

    @mailbox
    Scenario: A bot learns whether a person has a login, and not their address
      Given Ada has registered with the bot's code and the address "ada@example.org"
      Then the bot is told that Ada has a login
      And the bot is not told "ada@example.org"

  @internal @games @guilds
  Rule: 3. A person takes their data away, and leaves for good

    @mailbox
    Scenario: The export holds the account, the guilds and the trackers, and no secret
      Given Ada has registered with the bot's code and the address "ada@example.org"
      And Ada has followed "Lintwurm" through the bot
      And Ada is in the guild "Comet Club"
      Then Ada's export holds her account, with the address "ada@example.org"
      And Ada's export holds the guild "Comet Club"
      And Ada's export holds the tracker "Lintwurm"
      And Ada's export tells what happened: user.registered, user.email_confirmed, auth.logged_in, tracker.registered
      And neither password nor token stands in Ada's export

    Scenario: Who erases their account is gone, and what nobody else follows with it
      Given Ada has followed "Lintwurm" and "Quiet Comet" through the bot
      And Ben has followed "Quiet Comet" through the bot
      And Ada has registered with the bot's code
      When Ada erases her account
      Then Ada is logged out
      And "ada" logs nobody in
      And the bot does not know Ada any more
      And there is no tracker of Ada's any more
      And Ben's tracker of "Quiet Comet" is there

    @own_worker @sites
    Scenario: What only the erased person followed is not looked at any more
      Given Ada has followed "Lintwurm" and "Quiet Comet" through the bot
      And Ben has followed "Quiet Comet" through the bot
      And Ada has registered with the bot's code
      And Ada has erased her account
      When the worker looks
      Then the site was asked for "Quiet Comet"
      And the site was not asked for "Lintwurm"

    Scenario: An open session alone does not erase an account
      Given Ada has registered
      When somebody with Ada's session erases her account
      Then it is refused with 401 "login_failed"
      And Ada is logged in

    @mailbox
    Scenario: A name is free again once its account is erased
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ada has erased her account
      When Ben registers with the username "ada" and the address "ada@example.org"
      And Ben uses the link that was mailed to "ada@example.org"
      Then Ben can log in as "ada@example.org"

    Scenario: Whom a bot speaks for after their erasure is somebody new, who follows nothing
      Given Ada has followed "Lintwurm" through the bot
      And Ada has registered with the bot's code
      And Ada has erased her account
      When Ada registers once more with the bot's code
      Then Ada follows nothing

  @admin
  Rule: 4. Admins see to accounts, and there is always one

    @mailbox
    Scenario Outline: Admins find people by what they know of them
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ben has registered
      When the admin looks for "<words>"
      Then the admin finds Ada alone

      Examples:
        | words           |
        | ada             |
        | ADA             |
        | ada@example.org |

    Scenario: Accounts come in pages
      Given Ada, Ben and Cleo have registered
      Then in pages of 2 the admin sees everybody once

    Scenario: Who is deactivated is out, and their bot follows nothing for them
      Given Ada has registered with the bot's code
      When the admin deactivates Ada
      Then Ada is logged out
      And Ada is refused at login with 403 "account_deactivated"
      And the bot is refused what Ada wants to follow with 403 "account_deactivated"

    Scenario: Who is activated again can log in again
      Given Ada has registered
      And the admin has deactivated Ada
      When the admin activates Ada
      Then Ada can log in

    Scenario: Who becomes an admin is one at once, and no longer than that
      Given Ada has registered
      When the admin makes Ada an admin
      Then Ada sees everybody's accounts
      When the admin makes Ada a user
      Then Ada does not see everybody's accounts

    Scenario: Admins erase a person as they would erase themselves
      Given Ada has registered
      When the admin erases Ada
      Then Ada is logged out
      And "ada" logs nobody in
      And the admin no longer finds Ada

    Scenario Outline: What only admins may, others are refused
      Given Ada and Ben have registered
      When Ada <tries>
      Then it is refused with 403 "forbidden"
      And Ben is logged in

      Examples:
        | tries                          |
        | asks for everybody's accounts  |
        | asks for Ben's account         |
        | makes Ben an admin             |
        | deactivates Ben                |
        | erases Ben                     |
        | asks for the bots' keys        |
        | makes a bot's key              |
        | asks for the audit log         |
        | asks for the activity log      |

    @own_service
    Scenario Outline: The last admin stays
      Given there is one admin
      When the admin <leaves>
      Then it is refused with 409 "last_admin"
      And there is one admin

      Examples:
        | leaves                  |
        | gives the role up       |
        | deactivates the account |
        | erases the account      |

  @admin @internal
  Rule: 5. Admins make bots' keys, and end them

    Scenario: A key opens what its scopes say
      When the admin makes a key for trackers:read and users
      Then the key may ask what a link means
      And the key may ask for a claim code
      And the key may not follow anything for Ada

    Scenario: A key's text is shown once; what it may and when it was used is told again
      Given the admin has made a key for trackers:read
      And the key was used
      Then the admin sees what the key may, and that it was used
      And nothing that the admin sees is the key itself

    Scenario: A key that is revoked stops working within two seconds
      Given the admin has made a key for trackers:read
      And the key was used
      When the admin revokes the key
      Then the key opens nothing any more
      And the admin sees that the key is revoked

    Scenario: A key is revoked once
      Given the admin has made a key for trackers:read
      And the admin has revoked the key
      When the admin revokes the key
      Then it is refused with 404 "not_found"

    @guilds
    Scenario: A key for one guild speaks for its members only
      Given Ada is in the guild "Comet Club"
      And the admin has made a key for users in the guild
      Then the key may ask for a claim code for Ada
      And the key may not ask for a claim code for Ben

    Scenario Outline: A key that would open nothing is not made
      When the admin makes a key with <what>
      Then it is refused with <status> "<code>"

      Examples:
        | what                                   | status | code            |
        | {"scopes": ["everything"]}             | 422    | invalid         |
        | {"scopes": []}                         | 422    | invalid         |
        | {"name": " "}                          | 422    | invalid         |
        | {"guild_ids": []}                      | 422    | invalid         |
        | {"guild_ids": ["1000000000000000000"]} | 404    | guild_not_found |

  @admin
  Rule: 6. What was done, and by whom, can be read afterwards

    Scenario: The audit log tells who did what, from where, and what came of it
      Given Ada has registered
      When Ada changes {"display_name": "Ada L."}
      Then the audit log has Ada's PATCH of /api/users/me, answered with 200
      And it tells that she sent a display_name, but not which
      And it tells her address and the id of the request

    Scenario: What was refused is in the audit log, too
      Given Ada has registered
      When Ada changes {"locale": "deutsch"}
      Then the audit log has Ada's PATCH of /api/users/me, answered with 422

    Scenario: No password is kept in the audit log
      Given Ada has registered
      When Ada changes her password to "a rather different password"
      Then the audit log has Ada's POST of /api/auth/change-password, answered with 200
      And it tells neither the password that she had nor the one that she has

    Scenario: The audit log tells which admin did what to whom
      Given Ada has registered
      When the admin deactivates Ada
      Then the audit log has the admin's PATCH of /api/admin/users/{user_id}, answered with 200
      And it tells that it was done to Ada

    Scenario: The logs keep what an erased person did, by a pseudonym
      Given Ada has registered
      And Ada has erased her account
      Then the audit log has a DELETE of /api/users/me by somebody who is not Ada
      And neither log names Ada's id

    Scenario: The activity log tells what happened to a person, the newest first
      Given Ada has registered
      And Ada has logged in
      And Ada has changed {"display_name": "Ada L."}
      When the admin deactivates Ada
      Then this happened to Ada, the newest first
        | user.account_changed |
        | user.profile_changed |
        | auth.logged_in       |
        | auth.logged_in       |
        | user.registered      |

    Scenario: What happened is found by its kind
      Given Ada has registered
      And Ada has changed {"display_name": "Ada L."}
      Then of all that is "auth." only auth.logged_in happened to Ada
