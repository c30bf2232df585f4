@public @users
Feature: Authentication
  People register an account with a username and a password, log in, and stay logged in. An access token opens their
  data for 15 minutes; a refresh token gives the next pair of tokens, once. Nobody can find out who has an account.

  Rule: 1. People register with a unique username and are logged in

    Scenario: A username is enough to register
      When Ada registers with the username "ada"
      Then Ada is logged in

    Scenario Outline: A username belongs to one person, in upper or lower case
      Given Ada has registered with the username "ada"
      When Ben registers with <names>
      Then it is refused with 409 "username_taken"

      Examples:
        | names              |
        | the username "ada" |
        | the username "ADA" |

    @mailbox
    Scenario: An address belongs to an account once the mailed link is used
      When Ada registers with the username "ada" and the address "ada@example.org"
      Then Ada is logged in
      And nobody can log in as "ada@example.org"
      When Ada uses the link that was mailed to "ada@example.org"
      Then Ada can log in as "ada@example.org"

    @mailbox
    Scenario Outline: The answer does not show whether an address has an account; its owner gets a mail
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      When Ben registers with the username "ben" and the address "<address>"
      Then Ben is logged in
      And the mail to "ada@example.org" says "You have an account already"
      And Ada can log in as "ada@example.org"

      Examples:
        | address         |
        | ada@example.org |
        | ADA@EXAMPLE.ORG |

    Scenario: Of ten people who register one username at the same moment, only one gets it
      When 10 people register with the username "ada" at the same moment
      Then 1 of the answers is 201
      And the other 9 are 409 "username_taken"

    Scenario Outline: An invalid registration is refused, and the answer says why
      When somebody registers "ada" with <what>
      Then it is refused with 422 "invalid"
      And the answer says "<why>"
      And Ada can still register with the username "ada"

      Examples:
        | what                            | why                        |
        | {"username": null}              | username                   |
        | {"username": "x"}               | username                   |
        | {"username": "ada lovelace"}    | username                   |
        | {"username": "ada@example.org"} | username                   |
        | {"username": "ada\\n"}          | username                   |
        | {"email": "nobody"}             | not an e-mail address      |
        | {"email": "a@b@example.org"}    | not an e-mail address      |
        | {"email": "ada@localhost"}      | not an e-mail address      |
        | {"password": "too short"}       | password                   |
        | {"time_zone": "Mars/Olympus"}   | no time zone               |
        | {"locale": "deutsch"}           | locale                     |
        | {"display_name": " "}           | display_name               |
        | {"role": "admin"}               | unknown field `role`       |

  Rule: 2. People log in with a username or address and its password, and with nothing else

    @hiscores-token
    Scenario Outline: A username works as login in upper and lower case
      Given Ada has registered with the username "ada"
      When Ada logs in as "<name>"
      Then Ada is logged in

      Examples:
        | name |
        | ada  |
        | ADA  |

    @mailbox
    Scenario Outline: A confirmed address works as login in upper and lower case
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      When Ada logs in as "<name>"
      Then Ada is logged in

      Examples:
        | name            |
        | ada@example.org |
        | ADA@EXAMPLE.ORG |

    Scenario: Login works with the password form of OAuth 2, too
      Given Ada has registered
      When Ada logs in with the form of OAuth 2
      Then Ada is logged in
      And the answer must not be cached

    @internal
    Scenario: A wrong password, an unknown name, and a name that only a bot knows get the same answer
      Given Ada has registered
      And the bot knows Ben as "ben"
      When somebody tries to log in as "ada", "nobody" and "ben"
      Then all of them are refused with 401 "login_failed"
      And all the answers are the same

    Scenario Outline: An incomplete or malformed login is refused
      When somebody logs in with <what>
      Then it is refused with 422 "invalid"

      Examples:
        | what                                                  |
        | {"login": "ada"}                                      |
        | {"login": "", "password": "a good long password"}     |
        | {"login": "ada", "password": 12345678910}             |
        | ["ada", "a good long password"]                       |

    Scenario: After too many guesses at a password, the login is blocked even with the right one
      Given Ada and Ben have registered
      When somebody guesses Ada's password until they are blocked
      Then it is refused with 429 "too_many_attempts"
      And the answer says how many attempts are allowed, and when to try again
      And Ada cannot log in, although she knows the password
      And Ben can log in

    Scenario: A successful login resets the count of its account
      Given Ada has registered
      And somebody has guessed Ada's password 6 times
      And Ada has logged in
      And somebody has guessed Ada's password 6 times
      Then Ada can log in

  Rule: 3. A refresh token gives the next pair of tokens, once

    @hiscores-refresh
    Scenario: A refresh gives new tokens, and the person stays logged in
      Given Ada has registered
      When Ada refreshes
      Then Ada is logged in
      And both of Ada's tokens are new

    Scenario: A refresh token that is used again ends its session, although a newer token exists
      Given Ada has registered
      And Ada has logged in on her phone
      And Ada has refreshed
      When somebody refreshes with Ada's previous token
      Then it is refused with 401 "refresh_refused"
      And Ada is logged out
      And Ada's phone is logged in

    Scenario: Of twenty refreshes with one token at the same moment, one succeeds and the session ends
      Given Ada has registered
      When Ada refreshes 20 times at the same moment
      Then 1 of the answers is 200
      And the other 19 are 401 "refresh_refused"
      And Ada is logged out

    Scenario Outline: An invalid refresh token does not end a session
      Given Ada has registered
      When somebody refreshes with <what>
      Then it is refused with 401 "unauthenticated"
      And Ada is logged in
      And Ada can refresh

      Examples:
        | what                                  |
        | a made-up token                       |
        | Ada's refresh token, cut short        |
        | Ada's refresh token with extra letter |

  Rule: 4. People log out of one session or of all

    Background:
      Given Ada has registered
      And Ada has logged in on her phone

    @hiscores-logout
    Scenario: Logging out ends one session and both of its tokens
      When Ada logs out
      Then Ada is logged out
      And Ada's phone is logged in

    Scenario: Logging out everywhere ends all sessions of the person, and of nobody else
      Given Ben has registered
      When Ada logs out everywhere
      Then 2 sessions have ended
      And Ada is logged out
      And Ada's phone is logged out
      And Ben is logged in

    Scenario: A lost phone can be logged out from the list of sessions
      Then Ada sees 2 sessions, and which of them is the current one
      When Ada ends the session of her phone
      Then Ada's phone is logged out
      And Ada is logged in
      And Ada sees 1 session, and which of them is the current one

    Scenario: A person cannot end the session of another person
      Given Ben has registered
      When Ben ends the session of Ada's phone
      Then it is refused with 404 "session_not_found"
      And Ada's phone is logged in

    Scenario: A new password ends every other session
      When Ada changes her password to "a rather different password"
      Then 1 session has ended
      And Ada is logged in
      And Ada's phone is logged out
      And Ada can log in
      And nobody can log in with Ada's previous password

    Scenario: A change of the password needs the current password
      When Ada's phone changes her password without knowing it
      Then it is refused with 401 "login_failed"
      And Ada is logged in
      And Ada can log in

    Scenario: A password that is too short is refused
      When Ada changes her password to "too short"
      Then it is refused with 422 "invalid"
      And Ada's phone is logged in
      And Ada can log in

  Rule: 5. Only an access token opens a person's data, and it opens nothing else

    @hiscores-token
    Scenario Outline: Everything except a valid access token is refused with the same answer
      Given Ada has registered
      When somebody asks for Ada's account with <what>
      Then it is refused with 401 "unauthenticated"
      And the answer says that a bearer token is needed

      Examples:
        | what                                         |
        | nothing                                      |
        | a made-up token                              |
        | the bot's key                                |
        | Ada's refresh token                          |
        | Ada's access token, cut short                |
        | Ada's access token without its signature     |
        | Ada's access token with the algorithm none   |
        | Ada's access token with somebody else's name |
        | Ada's access token in the scheme Basic       |
        | Ada's access token in the scheme Token       |

    @internal
    Scenario: An access token does not work as a bot key
      Given Ada has registered
      When Ada calls an endpoint for bots
      Then it is refused with 401 "unauthenticated"

    @admin
    Scenario: A person's token does not open the endpoints for admins
      Given Ada has registered
      When Ada asks for all accounts
      Then it is refused with 403 "forbidden"
