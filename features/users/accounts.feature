@public @users
Feature: Accounts
  People can read, change, export and erase everything that is stored about them. A bot knows people before they have a
  login; a claim code from the bot links a Discord user to an account. Admins manage accounts and bot keys, and the logs
  show them who did what.

  Rule: 1. A person reads and changes their own account

    Scenario: A new account has all defaults
      When Ada registers with the username "ada"
      Then Ada's account has {"username": "ada", "email": null, "role": "user", "active": true, "has_password": true}
      And Ada's account has {"time_zone": "UTC", "locale": "en", "display_name": null, "identities": []}

    Scenario: Given fields change, and omitted fields stay
      Given Ada has registered
      And Ada has changed {"display_name": "Ada L.", "locale": "de-AT"}
      When Ada changes {"time_zone": "Europe/Vienna"}
      Then Ada's account has {"display_name": "Ada L.", "locale": "de-AT", "time_zone": "Europe/Vienna"}

    @mailbox
    Scenario: Null clears a field
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ada has changed {"display_name": "Ada L."}
      When Ada changes {"display_name": null, "email": null}
      Then Ada's account has {"display_name": null, "email": null, "username": "ada"}
      And nobody can log in as "ada@example.org"

    Scenario: A new username works as login, and the old one no longer does
      Given Ada has registered with the username "ada"
      When Ada changes {"username": "lovelace"}
      Then Ada can log in as "lovelace"
      And nobody can log in as "ada"

    Scenario: The username of another person is not available
      Given Ada has registered with the username "ada"
      And Ben has registered
      When Ben changes {"username": "ADA"}
      Then it is refused with 409 "username_taken"
      And Ben's account is unchanged

    @mailbox
    Scenario: A new address needs confirmation by its own mail, and the old address gets a notice
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      When Ada changes {"email": "lovelace@example.org"}
      Then Ada's account has {"email": "ada@example.org", "unconfirmed_email": "lovelace@example.org"}
      And the mail to "ada@example.org" says "Your e-mail address is about to change"
      When Ada uses the link that was mailed to "lovelace@example.org"
      Then Ada's account has {"email": "lovelace@example.org", "unconfirmed_email": null}
      And Ada can log in as "lovelace@example.org"
      And nobody can log in as "ada@example.org"

    @mailbox
    Scenario: The answer to a change does not show whether another account has the address
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ben has registered
      When Ben changes {"email": "ada@example.org"}
      Then Ben's account has {"email": null, "unconfirmed_email": "ada@example.org"}
      And the mail to "ada@example.org" says "You have an account already"

    Scenario Outline: A login does not change without the password
      Given Ada has registered with the username "ada"
      When somebody with Ada's session changes <what>
      Then it is refused with 422 "password_needed"
      And Ada's username is still "ada"

      Examples:
        | what                              |
        | {"username": "lovelace"}          |
        | {"email": "lovelace@example.org"} |
        | {"email": null}                   |

    Scenario Outline: Valid time zones and languages are stored
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

    Scenario Outline: Invalid values, and fields that people cannot change, are refused
      Given Ada has registered
      When Ada changes <what>
      Then it is refused with 422 "invalid"
      And the answer says "<why>"
      And Ada's account is unchanged

      Examples:
        | what                                                     | why                      |
        | {"time_zone": "Mars/Olympus"}                            | no time zone             |
        | {"time_zone": "europe/berlin"}                           | no time zone             |
        | {"time_zone": "../../etc/passwd"}                        | no time zone             |
        | {"time_zone": null}                                      | time_zone                |
        | {"locale": "deutsch"}                                    | locale                   |
        | {"locale": "de_AT"}                                      | locale                   |
        | {"display_name": "Ada L.", "email": "nobody"}            | not an e-mail address    |
        | {"username": null}                                       | could not log in         |
        | {"role": "admin"}                                        | unknown field `role`     |
        | {"has_password": false}                                  | unknown field            |

  @internal @games
  Rule: 2. A claim code from the bot links a Discord user to an account

    Scenario: A person who registers with the code gets everything that the bot follows for them
      Given Ada has followed "Lintwurm" and "Quiet Comet" through the bot
      When Ada registers with the bot's code
      Then Ada follows "Lintwurm" and "Quiet Comet"
      And Ada's account is linked to her Discord user
      And the bot sees that Ada has a login

    Scenario: An existing account takes over what the bot follows for its owner
      Given Ada has followed "Lintwurm" through the bot
      And Ada has registered
      When Ada claims the bot's code
      Then Ada follows "Lintwurm"
      And Ada's account is linked to her Discord user

    Scenario: Trackers that the bot adds later belong to the account, too
      Given Ada has registered
      And Ada has claimed the bot's code
      When Ada follows "Lintwurm" through the bot
      Then Ada follows "Lintwurm"

    Scenario Outline: A code works however people type it
      Given Ada has registered
      When Ada claims the bot's code <typed>
      Then Ada's account is linked to her Discord user

      Examples:
        | typed            |
        | in lower case    |
        | with spaces      |
        | without its dash |

    Scenario: A code works once
      Given Ada and Ben have registered
      And Ada has claimed the bot's code
      When Ben claims the same code
      Then it is refused with 422 "bad_claim_code"

    Scenario: Of six people who claim one code at the same moment, only one gets it
      When 6 people claim Ada's code at the same moment
      Then 1 of the answers is 200
      And the other 5 are 422 "bad_claim_code"

    Scenario: A new code replaces the previous one
      Given Ada has registered
      And the bot has given Ada a code
      And the bot has given Ada another code
      When Ada claims the first code
      Then it is refused with 422 "bad_claim_code"

    Scenario Outline: A made-up code is refused
      Given Ada has registered
      When somebody <does> a made-up code
      Then it is refused with 422 "bad_claim_code"

      Examples:
        | does           |
        | claims         |
        | registers with |

    Scenario Outline: A Discord user whose account has a login cannot be claimed
      Given Ada has registered with the bot's code
      And Ben has registered
      And the bot has given Ada a code
      When <who> that code
      Then it is refused with 409 "claim_refused"
      And the bot sees that Ada has a login
      And Ada's account is linked to her Discord user

      Examples:
        | who                 |
        | Ben claims          |
        | Cleo registers with |

    Scenario: A player that both accounts follow is followed once after the claim
      Given Ada has registered with the bot's code
      And Ada has followed "Lintwurm" through the bot
      And Ada's second Discord user has followed "Lintwurm" and "Quiet Comet" through the bot
      When Ada claims the code of her second Discord user
      Then Ada follows "Lintwurm" and "Quiet Comet"

    Scenario: After unlinking, the account keeps what it follows, and the bot no longer knows the person
      Given Ada has followed "Lintwurm" through the bot
      And Ada has registered with the bot's code
      When Ada unlinks her Discord user
      Then Ada's account has {"identities": []}
      And Ada follows "Lintwurm"
      And the bot no longer knows Ada

    @mailbox
    Scenario: A bot sees whether a person has a login, but not their address
      Given Ada has registered with the bot's code and the address "ada@example.org"
      Then the bot sees that Ada has a login
      And the bot does not see "ada@example.org"

  @internal @games @guilds
  Rule: 3. People can export their data and erase their account

    @mailbox
    Scenario: The export contains the account, the guilds and the trackers, but no secret
      Given Ada has registered with the bot's code and the address "ada@example.org"
      And Ada has followed "Lintwurm" through the bot
      And Ada is in the guild "Comet Club"
      Then Ada's export contains her account, with the address "ada@example.org"
      And Ada's export contains the guild "Comet Club"
      And Ada's export contains the tracker "Lintwurm"
      And Ada's export lists the events user.registered, user.email_confirmed, auth.logged_in, tracker.registered
      And Ada's export contains neither password nor token

    Scenario: An erased account disappears together with the trackers that nobody else follows
      Given Ada has followed "Lintwurm" and "Quiet Comet" through the bot
      And Ben has followed "Quiet Comet" through the bot
      And Ada has registered with the bot's code
      When Ada erases her account
      Then Ada is logged out
      And nobody can log in as "ada"
      And the bot no longer knows Ada
      And Ada's trackers are gone
      And Ben's tracker of "Quiet Comet" is still there

    @own_worker @sites
    Scenario: The worker no longer fetches trackers that only the erased person followed
      Given Ada has followed "Lintwurm" and "Quiet Comet" through the bot
      And Ben has followed "Quiet Comet" through the bot
      And Ada has registered with the bot's code
      And Ada has erased her account
      When the worker runs
      Then the worker fetched "Quiet Comet"
      And the worker did not fetch "Lintwurm"

    Scenario: An open session is not enough to erase an account
      Given Ada has registered
      When somebody with Ada's session erases her account
      Then it is refused with 401 "login_failed"
      And Ada is logged in

    @mailbox
    Scenario: The username and address of an erased account are free again
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ada has erased her account
      When Ben registers with the username "ada" and the address "ada@example.org"
      And Ben uses the link that was mailed to "ada@example.org"
      Then Ben can log in as "ada@example.org"

    Scenario: A person who registers again after an erasure follows nothing
      Given Ada has followed "Lintwurm" through the bot
      And Ada has registered with the bot's code
      And Ada has erased her account
      When Ada registers again with the bot's code
      Then Ada follows nothing

  @admin
  Rule: 4. Admins manage accounts, and there is always at least one admin

    @mailbox
    Scenario Outline: Admins find people by username or address
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      And Ben has registered
      When the admin searches for "<words>"
      Then the admin finds only Ada

      Examples:
        | words           |
        | ada             |
        | ADA             |
        | ada@example.org |

    Scenario: Accounts are listed in pages
      Given Ada, Ben and Cleo have registered
      Then in pages of 2 the admin sees everybody once

    Scenario: A deactivated person is logged out, and the bot can follow nothing for them
      Given Ada has registered with the bot's code
      When the admin deactivates Ada
      Then Ada is logged out
      And Ada is refused at login with 403 "account_deactivated"
      And the bot's request to follow something for Ada is refused with 403 "account_deactivated"

    Scenario: A person can log in again after activation
      Given Ada has registered
      And the admin has deactivated Ada
      When the admin activates Ada
      Then Ada can log in

    Scenario: Admin rights start and end with the role
      Given Ada has registered
      When the admin makes Ada an admin
      Then Ada can list all accounts
      When the admin makes Ada a user
      Then Ada cannot list all accounts

    Scenario: Admins can erase an account
      Given Ada has registered
      When the admin erases Ada
      Then Ada is logged out
      And nobody can log in as "ada"
      And the admin no longer finds Ada

    Scenario Outline: Admin endpoints refuse everybody else
      Given Ada and Ben have registered
      When Ada <tries>
      Then it is refused with 403 "forbidden"
      And Ben is logged in

      Examples:
        | tries                          |
        | asks for all accounts          |
        | asks for Ben's account         |
        | makes Ben an admin             |
        | deactivates Ben                |
        | erases Ben                     |
        | asks for the bot keys          |
        | creates a bot key              |
        | asks for the audit log         |
        | asks for the activity log      |

    @own_service
    Scenario Outline: The last admin cannot leave
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
  Rule: 5. Admins create and revoke bot keys

    Scenario: A key opens only what its scopes allow
      When the admin creates a key for trackers:read and users
      Then the key may parse a link
      And the key may issue a claim code
      And the key may not follow anything for Ada

    Scenario: A key's text is shown once; its scopes and last use stay visible
      Given the admin has created a key for trackers:read
      And the key was used
      Then the admin sees the scopes and the last use of the key
      And the admin does not see the text of the key

    Scenario: A revoked key stops working within two seconds
      Given the admin has created a key for trackers:read
      And the key was used
      When the admin revokes the key
      Then the key no longer works
      And the admin sees that the key is revoked

    Scenario: A key can be revoked only once
      Given the admin has created a key for trackers:read
      And the admin has revoked the key
      When the admin revokes the key
      Then it is refused with 404 "not_found"

    @guilds
    Scenario: A key for one guild acts only for its members
      Given Ada is in the guild "Comet Club"
      And the admin has created a key for users in the guild
      Then the key may issue a claim code for Ada
      And the key may not issue a claim code for Ben

    Scenario Outline: An invalid key is refused
      When the admin creates a key with <what>
      Then it is refused with <status> "<code>"

      Examples:
        | what                                   | status | code            |
        | {"scopes": ["everything"]}             | 422    | invalid         |
        | {"scopes": []}                         | 422    | invalid         |
        | {"name": " "}                          | 422    | invalid         |
        | {"guild_ids": []}                      | 422    | invalid         |
        | {"guild_ids": ["1000000000000000000"]} | 404    | guild_not_found |

  @admin
  Rule: 6. The logs show who did what

    Scenario: The audit log shows who did what, from where, and with which result
      Given Ada has registered
      When Ada changes {"display_name": "Ada L."}
      Then the audit log has Ada's PATCH of /api/users/me, answered with 200
      And the entry shows that she sent a display_name, but not its value
      And the entry shows her address and the id of the request

    Scenario: Refused requests are in the audit log, too
      Given Ada has registered
      When Ada changes {"locale": "deutsch"}
      Then the audit log has Ada's PATCH of /api/users/me, answered with 422

    Scenario: The audit log contains no password
      Given Ada has registered
      When Ada changes her password to "a rather different password"
      Then the audit log has Ada's POST of /api/auth/change-password, answered with 200
      And the entry contains neither her old nor her new password

    Scenario: The audit log shows which admin changed which account
      Given Ada has registered
      When the admin deactivates Ada
      Then the audit log has the admin's PATCH of /api/admin/users/{user_id}, answered with 200
      And the entry names the account of Ada

    Scenario: The logs keep the actions of an erased person under a pseudonym
      Given Ada has registered
      And Ada has erased her account
      Then the audit log has a DELETE of /api/users/me by somebody who is not Ada
      And neither log contains Ada's id

    Scenario: The activity log shows the events of a person, newest first
      Given Ada has registered
      And Ada has logged in
      And Ada has changed {"display_name": "Ada L."}
      When the admin deactivates Ada
      Then the activity log shows these events of Ada, newest first
        | user.account_changed |
        | user.profile_changed |
        | auth.logged_in       |
        | auth.logged_in       |
        | user.registered      |

    Scenario: Events can be filtered by kind
      Given Ada has registered
      And Ada has changed {"display_name": "Ada L."}
      Then the only events of Ada under "auth." are auth.logged_in
