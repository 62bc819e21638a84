{
  nixfleet.users = {
    ada.uid = 2001;
    ben.uid = 2001;
    web = {
      system = true;
      createHome = true;
    };
  };
}
