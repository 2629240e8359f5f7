/**
 * Every text of the pages in English. `{name}` stands for a value.
 */

export const english = {
  'consent.heading': 'It will be able to',
  'consent.audience': 'Use {audience} as you',
  'scope.openid': 'Know who you are',
  'scope.openid.detail': 'It learns the identifier of your account.',
  'scope.profile': 'See your name and profile',
  'scope.profile.detail': 'Your name and other details of your profile.',
  'scope.email': 'See your email address',
  'scope.email.detail': 'And whether it has been verified.',
  'scope.phone': 'See your phone number',
  'scope.phone.detail': 'And whether it has been verified.',
  'scope.address': 'See your postal address',
  'scope.address.detail': 'As it stands in your profile.',
  'scope.offline_access': 'Stay connected while you are away',
  'scope.offline_access.detail': 'It need not ask you again until the access ends or is taken back.',
} as const
