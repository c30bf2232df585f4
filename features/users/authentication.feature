@public @users
Feature: Authentication
  A person makes an account with a name and a password, logs in, and stays logged in. An access token opens what is
  theirs for a quarter of an hour; a refresh token gives the next pair, once. Nobody learns who has an account here.

  Rule: 1. Who registers has a name of their own, and is logged in

    Scenario: A username is enough to register
      When Ada registers with the username "ada"
      Then Ada is logged in

    Scenario Outline: A username belongs to one person, however it is spelled
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
      And "ada@example.org" logs nobody in
      When Ada uses the link that was mailed to "ada@example.org"
      Then Ada can log in as "ada@example.org"

    @mailbox
    Scenario Outline: The answer does not say whether an address has an account; its owner gets a mail
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      When Ben registers with the username "ben" and the address "<address>"
      Then Ben is logged in
      And the mail to "ada@example.org" says "You have an account already"
      And Ada can log in as "ada@example.org"

      Examples:
        | address         |
        | ada@example.org |
        | ADA@EXAMPLE.ORG |

    Scenario: Of ten who register one name at the same moment one gets it
      When 10 people register with the username "ada" at the same moment
      Then 1 of the answers is 201
      And the other 9 are 409 "username_taken"

    Scenario Outline: What cannot be an account is refused, and the answer says what is wrong
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
        | {"email": "nobody"}             | no e-mail address          |
        | {"email": "a@b@example.org"}    | no e-mail address          |
        | {"email": "ada@localhost"}      | no e-mail address          |
        | {"password": "too short"}       | password                   |
        | {"time_zone": "Mars/Olympus"}   | no time zone               |
        | {"locale": "deutsch"}           | locale                     |
        | {"display_name": " "}           | display_name               |
        | {"role": "admin"}               | unknown field `role`       |

  Rule: 2. A name and its password log in, and nothing else does

    @hiscores-token
    Scenario Outline: A username logs in, however it is spelled
      Given Ada has registered with the username "ada"
      When Ada logs in as "<name>"
      Then Ada is logged in

      Examples:
        | name |
        | ada  |
        | ADA  |

    @mailbox
    Scenario Outline: A confirmed address logs in, however it is spelled
      Given Ada has registered with the username "ada" and the address "ada@example.org"
      When Ada logs in as "<name>"
      Then Ada is logged in

      Examples:
        | name            |
        | ada@example.org |
        | ADA@EXAMPLE.ORG |

    Scenario: The password form of OAuth 2 logs in, too
      Given Ada has registered
      When Ada logs in by the form of OAuth 2
      Then Ada is logged in
      And nobody on the way may keep the answer

    @internal
    Scenario: A wrong password, a name that nobody has, and one that only a bot knows get one answer
      Given Ada has registered
      And the bot knows Ben as "ben"
      When somebody tries to log in as "ada", "nobody" and "ben"
      Then all of them are refused with 401 "login_failed"
      And nobody can tell the answers apart

    Scenario Outline: Half a login is refused
      When somebody logs in with <what>
      Then it is refused with 422 "invalid"

      Examples:
        | what                                                  |
        | {"login": "ada"}                                      |
        | {"login": "", "password": "a good long password"}     |
        | {"login": "ada", "password": 12345678910}             |
        | ["ada", "a good long password"]                       |

    Scenario: Whoever guesses at a password is stopped, whoever they are
      Given Ada and Ben have registered
      When somebody guesses at Ada's password until they are stopped
      Then it is refused with 429 "too_many_attempts"
      And the answer says how many attempts there are, and when to come back
      And Ada cannot log in, although she knows the password
      And Ben can log in

    Scenario: A login that succeeds ends the count of its account
      Given Ada has registered
      And somebody has guessed at Ada's password 6 times
      And Ada has logged in
      And somebody has guessed at Ada's password 6 times
      Then Ada can log in

  Rule: 3. A refresh token gives the next pair of tokens, once

    @hiscores-refresh
    Scenario: Who refreshes stays logged in, with other tokens
      Given Ada has registered
      When Ada refreshes
      Then Ada is logged in
      And both of Ada's tokens are new

    Scenario: A refresh token that is used again ends its session, whoever holds the next one
      Given Ada has registered
      And Ada has logged in on her phone
      And Ada has refreshed
      When somebody refreshes with the token that Ada had before
      Then it is refused with 401 "refresh_refused"
      And Ada is logged out
      And Ada's phone is logged in

    Scenario: Of twenty refreshes with one token at the same moment one wins, and the session ends
      Given Ada has registered
      When Ada refreshes 20 times at the same moment
      Then 1 of the answers is 200
      And the other 19 are 401 "refresh_refused"
      And Ada is logged out

    Scenario Outline: What is no refresh token of ours ends nothing
      Given Ada has registered
      When somebody refreshes with <what>
      Then it is refused with 401 "unauthenticated"
      And Ada is logged in
      And Ada can refresh

      Examples:
        | what                               |
        | a token that was made up           |
        | Ada's refresh token, cut short     |
        | Ada's refresh token and one letter |

  Rule: 4. Who logs out is out, there or everywhere

    Background:
      Given Ada has registered
      And Ada has logged in on her phone

    @hiscores-logout
    Scenario: Logging out ends one session and both of its tokens
      When Ada logs out
      Then Ada is logged out
      And Ada's phone is logged in

    Scenario: Logging out everywhere ends all of them, and nobody else's
      Given Ben has registered
      When Ada logs out everywhere
      Then 2 sessions have ended
      And Ada is logged out
      And Ada's phone is logged out
      And Ben is logged in

    Scenario: A lost phone is found among the sessions and logged out
      Then Ada sees 2 sessions, and which of them is her own
      When Ada ends the session of her phone
      Then Ada's phone is logged out
      And Ada is logged in
      And Ada sees 1 session, and which of them is her own

    Scenario: Nobody ends a session of somebody else's
      Given Ben has registered
      When Ben ends the session of Ada's phone
      Then it is refused with 404 "session_not_found"
      And Ada's phone is logged in

    Scenario: Another password ends every other session
      When Ada changes her password to "a rather different password"
      Then 1 session has ended
      And Ada is logged in
      And Ada's phone is logged out
      And Ada can log in
      And the password that Ada had before logs nobody in

    Scenario: Who does not know the password does not change it
      When Ada's phone changes her password without knowing it
      Then it is refused with 401 "login_failed"
      And Ada is logged in
      And Ada can log in

    Scenario: A password that is too short does not replace a good one
      When Ada changes her password to "too short"
      Then it is refused with 422 "invalid"
      And Ada's phone is logged in
      And Ada can log in

  Rule: 5. Only an access token opens what is a person's, and it opens nothing else

    @hiscores-token
    Scenario Outline: Whatever is no access token is refused, with the same words
      Given Ada has registered
      When somebody asks for Ada's account with <what>
      Then it is refused with 401 "unauthenticated"
      And the answer says that a bearer token is needed

      Examples:
        | what                                         |
        | nothing                                      |
        | a token that was made up                     |
        | the bot's key                                |
        | Ada's refresh token                          |
        | Ada's access token, cut short                |
        | Ada's access token without its signature     |
        | Ada's access token that says it needs none   |
        | Ada's access token with somebody else's name |
        | Ada's access token in the scheme Basic       |
        | Ada's access token in the scheme Token       |

    @internal
    Scenario: An access token is no bot's key
      Given Ada has registered
      When Ada asks the bots' endpoints what a link means
      Then it is refused with 401 "unauthenticated"

    @admin
    Scenario: A person's token does not open what is the admins'
      Given Ada has registered
      When Ada asks for everybody's accounts
      Then it is refused with 403 "forbidden"
